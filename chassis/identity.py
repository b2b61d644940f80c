"""Who is calling. Set once per call by the edge that verified the token; read by use cases through the edge."""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import Forbidden, Unauthenticated

SERVICE_ROLE = "service"
OPERATOR_ROLE = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """The verified claims of an access token."""

    subject: str
    session: str
    roles: frozenset[str]
    scope: frozenset[str]
    expires_at: datetime
    token: str

    def __repr__(self) -> str:
        """Leaves the token out: a principal may be logged."""
        return f"Principal(subject={self.subject!r}, roles={sorted(self.roles)!r})"

    def require_role(self, role: str) -> None:
        """Raise Forbidden unless the principal has the role."""
        if role not in self.roles:
            raise Forbidden(f"this needs the role {role}")


_current: ContextVar[Principal | None] = ContextVar("principal", default=None)


def current_principal() -> Principal:
    """The caller of this call. Raises Unauthenticated when there is none."""
    principal = _current.get()
    if principal is None:
        raise Unauthenticated("this needs a bearer token")
    return principal


def peek_principal() -> Principal | None:
    """The caller of this call, or None: for logs and events."""
    return _current.get()


def set_principal(principal: Principal | None) -> None:
    """For the edge alone: who calls, for the rest of this task's context."""
    _current.set(principal)
