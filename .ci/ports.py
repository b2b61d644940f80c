"""Print two free places for a suite on this machine: a port for the gateway and a base for its other ports."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from deploy.local.testing import free_settings

if __name__ == "__main__":
    settings = free_settings(Path())
    print(settings.gateway_port, settings.port_base)
