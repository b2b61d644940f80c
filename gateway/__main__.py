"""The gateway: `python -m gateway serve`."""

from chassis.process import cli
from gateway.app import build
from gateway.settings import Settings

if __name__ == "__main__":
    cli("gateway", Settings, build)
