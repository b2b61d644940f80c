"""How a call's duration is kept: a series for each code that was ever answered, found without a search."""

from collections.abc import Callable

import grpc
from prometheus_client import Histogram


class Observing(dict[grpc.StatusCode, Callable[[float], None]]):
    """Of one method: `observing[code](seconds)`.

    Success is there from the start. Other codes come when they are first seen: to make all 17 for each method of each
    service gave a process that nobody had called half a megabyte of zeros to tell at every scrape.
    """

    def __init__(self, histogram: Histogram, method: str) -> None:
        self._histogram, self._method = histogram, method
        self.__missing__(grpc.StatusCode.OK)

    def __missing__(self, code: grpc.StatusCode) -> Callable[[float], None]:
        observe = self[code] = self._histogram.labels(self._method, code.name).observe
        return observe
