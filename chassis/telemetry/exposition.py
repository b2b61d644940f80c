"""The metrics endpoint of a process without an HTTP server of its own."""

from typing import Any

from prometheus_client import start_http_server

from chassis.settings import Settings
from chassis.telemetry import metrics


class MetricsServer:
    """Component: serves `/metrics` (Prometheus text format) on the metrics port."""

    name = "metrics"

    def __init__(self, settings: Settings, service: str, version: str = "0.1.0") -> None:
        self._host, self.port = settings.metrics_host, settings.metrics_port
        self._info = {"service": service, "version": version}
        self._server: Any = None

    async def __aenter__(self) -> None:
        metrics.build.info(self._info)
        self._server, thread = start_http_server(self.port, self._host)
        self._thread = thread
        self.port = self._server.server_port

    async def __aexit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def background(self) -> tuple[()]:
        return ()
