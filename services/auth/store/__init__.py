"""MongoDB documents of the auth service, and the indexes its queries need."""

from collections.abc import Mapping, Sequence

from pymongo import IndexModel

from services.auth.store import accounts, failed_logins, sessions

INDEXES: Mapping[str, Sequence[IndexModel]] = {
    accounts.COLLECTION: accounts.INDEXES,
    sessions.COLLECTION: sessions.INDEXES,
    failed_logins.COLLECTION: failed_logins.INDEXES,
}
"""Every collection's indexes. Signing keys are found by their `_id` alone."""
