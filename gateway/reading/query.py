"""The query of a request as a model."""

from collections import Counter
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from chassis.errors import Unreadable, Violation
from gateway.problems import Misread
from gateway.reading.json import printable
from gateway.reading.violations import violations_of

Q = TypeVar("Q", bound=BaseModel)

_MAX_PARAMETERS = 50


class NoQuery(BaseModel):
    """The query of a route that has no parameters."""

    model_config = ConfigDict(extra="forbid")


def read_query(request: Request, model: type[Q]) -> Q:
    """The query as the model. Raises Unreadable, or Misread with every violation, repeated names included."""
    pairs = _pairs(request.scope["query_string"])
    found = [
        Violation(printable(name), "must be given once")
        for name, times in Counter(name for name, _ in pairs).items()
        if times > 1
    ]
    repeated = {violation.field for violation in found}
    try:
        query = model.model_validate(dict(pairs))
    except ValidationError as error:
        raise Misread([*found, *(item for item in violations_of(error) if item.field not in repeated)]) from None
    if found:
        raise Misread(found)
    return query


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    if not raw:
        return []
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise Unreadable(f"the query is not percent-encoded UTF-8 of at most {_MAX_PARAMETERS} parameters") from None
    if any("\0" in text for pair in pairs for text in pair):
        raise Unreadable("the query holds a NUL")
    return pairs
