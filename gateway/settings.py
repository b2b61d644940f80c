"""The settings of the gateway."""

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from chassis import settings
from chassis.settings import Port, RedisUrl, Target
from gateway.limiting.addresses import Network
from gateway.limiting.quota import Quota


def _quota(value: object) -> object:
    return Quota.parse(value) if isinstance(value, str) else value


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be networks, as in 10.0.0.0/8,2001:db8::/32") from None


Limit = Annotated[Quota, NoDecode, BeforeValidator(_quota)]
"""Requests per time, in the notation of `limits`."""

Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
"""Addresses and networks in CIDR notation (RFC 4632), with commas in between."""

_ORIGIN = re.compile(r"(https?)://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?")
_DEFAULT_PORTS = {("http", "80"), ("https", "443")}


def _origins(value: object) -> object:
    """As browsers say them (RFC 6454, 6.2): what is written otherwise would never be met."""
    if not isinstance(value, str):
        return value
    origins = [origin.strip() for origin in value.split(",") if origin.strip()]
    for place, origin in enumerate(origins, 1):
        match = _ORIGIN.fullmatch(origin)
        if match is None or match.groups() in _DEFAULT_PORTS or int(match[2] or 1) > 65535:
            raise ValueError(
                f"number {place} must be an origin as browsers send it: scheme://host or scheme://host:port, in small "
                "letters, without a path, without the scheme's own port; * and null are none"
            )
    return frozenset(origins)


class Settings(settings.Settings):
    """What the gateway reads from the environment."""

    gateway_host: str = "127.0.0.1"
    gateway_port: Port = Field(default=8080, description="0 takes a free port")
    gateway_workers: int = Field(
        default=1, ge=1, le=64, description="processes on that port; what is limited in memory is limited in each"
    )
    start_patience: float = Field(
        default=5,
        ge=0,
        description="seconds after which the port is opened though it is not ready; /readyz says why",
    )
    drain_notice: float = Field(
        default=1, ge=0, description="seconds at SIGTERM for which only /readyz and Connection: close tell of it"
    )

    auth_target: Target = "127.0.0.1:9110"
    users_target: Target = "127.0.0.1:9120"
    tasks_target: Target = "127.0.0.1:9130"
    notify_target: Target = "127.0.0.1:9140"

    upstream_timeout: float = Field(default=5, gt=0, description="seconds a call to a service may take")
    request_timeout: float = Field(default=10, gt=0, description="seconds a request may take, all its calls together")
    max_body_bytes: int = Field(default=1_048_576, ge=1, description="bytes of a request's body; more is refused (413)")
    max_header_bytes: int = Field(
        default=65_536, ge=1024, description="bytes of a request's line and headers together; more is refused (431)"
    )
    max_headers: int = Field(default=100, ge=1, description="headers of a request; more are refused (431)")
    header_timeout: float = Field(default=10, gt=0, description="seconds until a request's headers must be there (408)")
    send_timeout: float = Field(
        default=30, gt=0, description="seconds in which a client must take 16 kB of a waiting answer; else it is cut"
    )
    max_in_flight: int = Field(
        default=512, ge=1, description="API requests served at once; more are refused as unavailable (503)"
    )
    upstream_max_in_flight: int = Field(
        default=128, ge=1, description="calls a service may have in hand; more are refused as unavailable (503)"
    )
    upstream_failures: int = Field(
        default=5, ge=1, description="calls in a row without an answer after which a service is left alone for a while"
    )
    deny_list_size: int = Field(
        default=200_000, ge=1, description="ended sessions remembered, of .2 kB each; above, the oldest go first"
    )
    deny_list_patience: float = Field(
        default=60, ge=5, description="seconds that neither Kafka nor auth may tell which sessions ended (then 503)"
    )
    gateway_h2c: bool = Field(
        default=False, description="HTTP/2 without TLS is spoken too, by prior knowledge: for a proxy that speaks it"
    )
    keep_alive_timeout: int = Field(default=30, ge=1, description="seconds an idle connection is kept open")
    require_preconditions: bool = Field(
        default=False, description="a change without If-Match is refused (428), so that none is lost to another"
    )
    cors_origins: Annotated[frozenset[str], NoDecode, BeforeValidator(_origins)] = Field(
        default=frozenset(), description="origins whose pages may read the answers, comma-separated; empty: none"
    )

    event_stream_limit: int = Field(
        default=5_000, ge=1, description="live streams open at once; more are refused as unavailable (503)"
    )
    event_stream_limit_per_person: int = Field(
        default=10, ge=1, description="live streams of a person; more are refused (429)"
    )
    event_stream_heartbeat: float = Field(
        default=15, gt=0, description="seconds of silence after which a stream is sent an id"
    )
    event_stream_seconds: float = Field(
        default=300, gt=0, description="seconds for which a client that left can go on where it was"
    )
    event_stream_window_bytes: int = Field(
        default=67_108_864, ge=1, description="bytes of events kept for that; above, the oldest go first"
    )
    event_stream_queue_bytes: int = Field(
        default=262_144, ge=1024, description="bytes that may wait for a slow client; with more it is cut"
    )

    gateway_rate_limit_address: Limit = Field(
        default=Quota(100, 900),
        description="API requests of an address, as in 100 per 15 minutes; more are refused (429)",
    )
    gateway_rate_limit_auth: Limit = Field(
        default=Quota(5, 900), description="failed requests of an address to /api/v1/auth/"
    )
    gateway_rate_limit_subject: Limit = Field(
        default=Quota(1000, 900), description="API requests of a person, wherever they come from"
    )
    gateway_rate_limit_disabled: bool = Field(default=False, description="no limits at all: for load tests")
    gateway_trusted_proxies: Networks = Field(
        default=(), description="networks whose X-Forwarded-For is believed, as in 10.0.0.0/8,2001:db8::/32"
    )
    redis_url: RedisUrl = Field(
        default=SecretStr(""), description="where gateways share their counts; each keeps its own when empty"
    )
    redis_timeout: float = Field(
        default=0.25, gt=0, description="seconds a request may wait for Redis before it is counted here"
    )
