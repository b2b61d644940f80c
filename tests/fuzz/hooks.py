"""What Schemathesis has to be taught of this API."""

import re
from collections.abc import MutableMapping
from itertools import count
from typing import Any

import schemathesis

from gateway.reading.key import HEADER, PATTERN

_numbers = count()


@schemathesis.hook
def map_case(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> schemathesis.Case[Any]:
    """Its coverage phase sends a bare 0 in If-Match, whatever the pattern says, and takes that to be right. The example
    of an idempotency key comes with many requests, all but the first of which are refused."""
    headers: MutableMapping[str, Any] = case.headers or {}
    if headers.get("If-Match") == "0":
        headers["If-Match"] = '"0"'
    key = str(headers.get(HEADER, ""))
    if len(key) < 200 and re.fullmatch(PATTERN, key):
        quote = '"' if key.startswith('"') else ""
        headers[HEADER] = f"{quote}{next(_numbers)}{key.removeprefix(quote)}"
    return case
