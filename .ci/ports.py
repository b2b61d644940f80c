"""Print two free places for a suite on this machine: a port for the gateway and a base for its other ports."""

import random
import socket

SPAN = 50


def free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def main() -> None:
    """Below 32768, where no outgoing connection is given a port. The gateway takes the place after the rest."""
    starts = list(range(20000, 32000, SPAN + 1))
    random.shuffle(starts)
    base = next(start for start in starts if all(free(port) for port in range(start, start + SPAN + 1)))
    print(base + SPAN, base)


if __name__ == "__main__":
    main()
