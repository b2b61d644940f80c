"""nginx as deploy/nginx has it, before the gateways of a test."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from chassis.testing.engines import running
from chassis.testing.ports import free_port
from chassis.testing.tools.cache import installed
from chassis.testing.tools.nginx import NGINX

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx" / "nginx.conf"


@contextlib.contextmanager
def nginx(folder: Path, gateways: Sequence[int]) -> Iterator[str]:
    """Run it before the gateways on these ports; its URL. Raises ToolError when this machine has none."""
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(configuration(CONFIGURATION.read_text(), folder, port, gateways))
    command = [str(installed(NGINX)), "-p", str(folder), "-c", str(file), "-e", "stderr", "-g", "daemon off;"]
    with running(command, folder / "nginx.log", port):
        yield f"http://127.0.0.1:{port}"


def configuration(text: str, folder: Path, port: int, gateways: Sequence[int]) -> str:
    """The configuration with the addresses of this machine and nothing else changed. Raises LookupError."""
    places = {
        "pid /run/nginx.pid;": f"pid {folder}/nginx.pid;",
        "listen 80;": f"listen 127.0.0.1:{port};",
        **{f"gateway-{number}:8080": f"127.0.0.1:{there}" for number, there in enumerate(gateways, 1)},
        "http {": "http {" + "".join(f"{kind}_temp_path {folder}/{kind};" for kind in _TEMPORARY),
    }
    for place, here in places.items():
        if text.count(place) != 1:
            raise LookupError(f"nginx.conf has no {place}, or more than one")
        text = text.replace(place, here)
    return text


_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
