"""Endpoints on their way out: since when they are deprecated (RFC 9745), and when they will have gone (RFC 8594).

`@deprecated(since=date(2026, 12, 1), sunset=date(2027, 6, 1))` stands between an endpoint and the decorator that routes
it. It is then documented so, and every answer says it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any, TypeVar

_E = TypeVar("_E", bound=Callable[..., Any])
_DECLARED = "primetrade_deprecation"
_HEADERS = {
    "Deprecation": "since when this has been deprecated, in seconds since 1970 after an @ (RFC 9745)",
    "Sunset": "when this will have gone (RFC 8594)",
}


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Two days, each from its beginning in UTC. Raises ValueError when the second is not the later one."""

    since: date
    sunset: date

    def __post_init__(self) -> None:
        if self.sunset <= self.since:
            raise ValueError(f"what is deprecated since {self.since} cannot have gone on {self.sunset}")

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As every answer says it."""
        since, sunset = f"@{_moment(self.since).timestamp():.0f}", format_datetime(_moment(self.sunset), usegmt=True)
        return [(b"deprecation", since.encode()), (b"sunset", sunset.encode())]

    def documented(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a route with this in them, for its part of the OpenAPI document."""
        told = {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()}
        return {
            **options,
            "deprecated": True,
            "responses": {
                status: {**response, "headers": {**response.get("headers", {}), **told}}
                for status, response in (options.get("responses") or {}).items()
            },
            # By this oasdiff knows from when on it may be missing.
            "openapi_extra": {**(options.get("openapi_extra") or {}), "x-sunset": self.sunset.isoformat()},
        }


def deprecated(since: date, sunset: date) -> Callable[[_E], _E]:
    """Declare an endpoint deprecated, below the decorator that routes it."""
    declared = Deprecation(since, sunset)

    def declare(endpoint: _E) -> _E:
        setattr(endpoint, _DECLARED, declared)
        return endpoint

    return declare


def deprecation_of(endpoint: Callable[..., Any]) -> Deprecation | None:
    """What was declared of an endpoint."""
    found: Deprecation | None = getattr(endpoint, _DECLARED, None)
    return found


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
