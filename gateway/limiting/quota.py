"""A quota: so many requests in so many seconds."""

import re
from dataclasses import dataclass

from limits import parse_many

_NEVER = re.compile(r"(?:/|per)\s*0+\s*[a-z]", re.IGNORECASE)
"""The library reads no minutes as one minute."""


@dataclass(frozen=True, slots=True)
class Quota:
    """`requests` in every window of `seconds`."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Quota":
        """The quota in the notation of `limits`: `100 per 15 minutes`, `100/15minutes`, `5/hour`. Raises ValueError."""
        try:
            (rate,) = parse_many(text)
        except ValueError:  # as well for none or several
            raise ValueError("must be one quota, as in 100 per 15 minutes") from None
        if not rate.amount or _NEVER.search(text):
            raise ValueError("must allow at least one request, in at least one second")
        return cls(rate.amount, rate.get_expiry())

    def __str__(self) -> str:
        """A quota policy of the RateLimit-Policy field."""
        return f"{self.requests};w={self.seconds}"
