"""Clients of servers on this machine."""

import ssl
from typing import Any

import httpx

_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def http_client(base_url: str = "", **options: Any) -> httpx.AsyncClient:
    """A client that asks no proxy, and waits so long that only a defect reaches it; `options` are httpx's.

    By itself httpx reads the certificates of all authorities for every client, which costs more than most tests.
    """
    return httpx.AsyncClient(
        **{"base_url": base_url, "verify": _TRUSTS_NOBODY, "trust_env": False, "timeout": 120, **options}
    )
