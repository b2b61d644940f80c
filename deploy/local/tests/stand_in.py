"""A process for the launcher's tests: serves /readyz and /metrics, and notes in a journal when it is told to stop."""

import argparse
import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    folder: Path = arguments.folder

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            backlog, degraded = folder / f"{arguments.name}.backlog", folder / "degraded"
            if self.path == "/readyz":
                names = degraded.read_text().split() if degraded.exists() else []
                body = json.dumps({"status": "ready", "degraded": names})
            else:
                records = backlog.read_text() if backlog.exists() else "0.0"
                body = f'# TYPE x gauge\nprimetrade_consumer_lag_records{{topic="t"}} {records}\n'
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    def end(*_: object) -> None:
        with (folder / "journal").open("a") as journal:
            journal.write(f"{arguments.name}\n")
        print(json.dumps({"timestamp": "2026-01-01T10:00:00.123456Z", "level": "info", "event": "stopped"}), flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    print(
        json.dumps({"timestamp": "2026-01-01T10:00:00.123456Z", "level": "info", "event": "serving", "a": 1}),
        flush=True,
    )
    ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
