"""The gateway: `python -m gateway serve`."""

from chassis.process import Words, cli
from gateway.settings import Settings
from gateway.workers import start

if __name__ == "__main__":
    cli("gateway", Settings, start.serve, {"worker": Words(start.work, start.USAGE)})
