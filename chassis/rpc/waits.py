"""How long a piece of work waited for its neighbours, for whoever asks beforehand."""

from contextvars import ContextVar

_current: ContextVar["waits | None"] = ContextVar("waits", default=None)


class waits:  # noqa: N801 - a context manager, used as a function
    """Run the block and add up in `seconds` what its calls to neighbours take, failed ones included."""

    __slots__ = ("_token", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> "waits":
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def waited(seconds: float) -> None:
    """Tell that a call took so long."""
    asking = _current.get()
    if asking is not None:
        asking.seconds += seconds
