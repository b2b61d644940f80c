"""Who a request comes from, as far as that can be trusted."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from starlette.types import Scope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOP = re.compile(r"\[([0-9a-fA-F:.]{2,45})\](?::\d{1,5})?|([0-9.]{7,15}):\d{1,5}|([0-9a-fA-F:.]{2,45})", re.ASCII)
"""[IPv6]:port, IPv4:port, or an address alone."""

NOBODY = "unknown"
"""Who a request comes from when its connection has no address."""
_REMEMBERED = 4096


class ClientAddresses:
    """Finds whom to count a request to.

    It is the other end of the connection, unless that is one of the trusted proxies: then X-Forwarded-For is read from
    its end, where the nearest proxy wrote, past every trusted one to the first that is not. What stands further left
    may be anybody's invention and is not looked at; what is no address ends the search at the proxy that passed it on.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)

    def of(self, scope: Scope) -> str:
        """An IPv4 address; of an IPv6 one the /64, in which a host chooses the rest itself (RFC 4291, 2.5.4)."""
        client = scope.get("client")
        peer = _address(client[0]) if client else None
        if peer is None:
            return NOBODY
        return _counted(self._forwarded(scope, peer) if self._trusts(peer) else peer)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _forwarded(self, scope: Scope, proxy: Address) -> Address:
        fields = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        for hop in reversed(b",".join(fields).split(b",")):
            address = _hop(hop.strip().decode("latin-1"))
            if address is None:
                break
            proxy = address
            if not self._trusts(address):
                break
        return proxy


def _hop(text: str) -> Address | None:
    """The address of a hop; some proxies write its port too."""
    match = _HOP.fullmatch(text)
    return _address(match[1] or match[2] or match[3]) if match else None


@lru_cache(_REMEMBERED)
def _address(text: str) -> Address | None:
    """The address; an IPv4 one that is written as IPv6 (RFC 4291, 2.5.5.2) is what it was."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(_REMEMBERED)
def _counted(address: Address) -> str:
    if address.version == 4:
        return str(address)
    return f"{ipaddress.IPv6Address(int(address) >> 64 << 64)}/64"
