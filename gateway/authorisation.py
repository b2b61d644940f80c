"""Who gets what by which route: the table that `python -m gateway.authorisation` (`make routes`) prints.

The gateway's tests hold it to this table, and those of the whole suite hold the services to its column of what is
somebody else's; a route without a row fails.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """The status of a request that is right in everything else, by who sends it."""

    no_token: int
    expired: int
    revoked: int
    others: int | None
    """With the id of somebody else's resource; None where a request cannot name one."""
    own: int


def _anybody(status: int = 200) -> Row:
    """A token is not looked at."""
    return Row(status, status, status, None, status)


def _person(status: int = 200) -> Row:
    """It is about the caller, and whatever it lists is the caller's."""
    return Row(401, 401, 401, None, status)


def _owner(status: int = 200) -> Row:
    """It is about one resource: to all but its owner there is none."""
    return Row(401, 401, 401, 404, status)


TABLE: Mapping[tuple[str, str], Row] = {
    ("POST", "/api/v1/tasks"): _person(201),
    ("GET", "/api/v1/tasks"): _person(),
    ("GET", "/api/v1/tasks/{task_id}"): _owner(),
    ("PATCH", "/api/v1/tasks/{task_id}"): _owner(),
    ("POST", "/api/v1/tasks/{task_id}/complete"): _owner(),
    ("DELETE", "/api/v1/tasks/{task_id}"): _owner(204),
    ("GET", "/api/v1/users/me"): _person(),
    ("PATCH", "/api/v1/users/me"): _person(),
    ("GET", "/api/v1/notifications"): _person(),
    ("PATCH", "/api/v1/notifications/{notification_id}"): _owner(),
    ("GET", "/api/v1/events"): _person(),
    ("POST", "/api/v1/auth/register"): _anybody(201),
    ("POST", "/api/v1/auth/login"): _anybody(),
    ("POST", "/api/v1/auth/refresh"): _anybody(),
    ("POST", "/api/v1/auth/logout"): _anybody(204),
    ("GET", "/healthz"): _anybody(),
    ("GET", "/readyz"): _anybody(),
    ("GET", "/metrics"): _anybody(),
    ("GET", "/.well-known/jwks.json"): _anybody(),
    ("GET", "/openapi.json"): _anybody(),
    ("GET", "/docs"): _anybody(),
    ("GET", "/docs/{name}"): _anybody(),
}


def printed() -> str:
    """The table as text, a line for each route."""
    head = ("route", "", "no token", "expired token", "revoked session", "somebody else's", "own")
    rows = [(*route, *("–" if status is None else str(status) for status in row)) for route, row in TABLE.items()]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in (head, *rows)]
    return "\n".join("  ".join(line).rstrip() for line in lines)


if __name__ == "__main__":
    print(printed())
