"""What Schemathesis has to be taught of this API."""

import re
from collections.abc import MutableMapping
from itertools import count
from typing import Any

import schemathesis

from chassis.text import is_blank
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


@schemathesis.hook
def filter_case(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """A title and a name need something that can be seen (chassis/text.py), which no schema can say."""
    body = case.body if isinstance(case.body, dict) else {}
    texts = [body.get(name) for name in ("title", "name")]
    return not any(isinstance(text, str) and text and is_blank(text) for text in texts)
