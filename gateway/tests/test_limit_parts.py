"""The parts of the limits: addresses, counters, and what a setting may be."""

from types import SimpleNamespace

import pytest
from limits.aio.storage import Storage
from starlette.requests import Request

from chassis.errors import Unauthenticated
from chassis.settings import read_settings
from chassis.testing.complaints import complaint
from gateway.access import authenticated
from gateway.limiting.addresses import ClientAddresses
from gateway.limiting.process_counters import ProcessCounters
from gateway.limiting.quota import Quota
from gateway.settings import Settings
from gateway.tests.callers import StoppedClock

TRUSTED = "10.0.0.0/8,192.168.1.1, 2001:db8:ffff::/48"
PROXY = "10.0.0.1"

ADDRESSES: dict[str, tuple[str | None, list[str], str]] = {
    "nobody in between": ("203.0.113.7", [], "203.0.113.7"),
    "a stranger who claims to be a proxy": ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
    "a stranger who claims to come through ours": ("203.0.113.7", ["198.51.100.1, 10.0.0.1"], "203.0.113.7"),
    "one proxy": (PROXY, ["198.51.100.1"], "198.51.100.1"),
    "one proxy and spaces": (PROXY, ["  198.51.100.1\t"], "198.51.100.1"),
    "two proxies": (PROXY, ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
    "two proxies, each with a line of its own": (PROXY, ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
    "a client's invention": (PROXY, ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
    "a client's invention in a line of its own": (PROXY, ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
    "a client's invention of a trusted one": (PROXY, ["10.0.0.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
    "a client's invention that is no address": (PROXY, ["<script>, 198.51.100.1"], "198.51.100.1"),
    "a client among the trusted": (PROXY, ["10.9.9.9"], "10.9.9.9"),
    "trusted ones only": (PROXY, ["10.9.9.9, 192.168.1.1, 10.0.0.2"], "10.9.9.9"),
    "one that is next to the trusted": (PROXY, ["198.51.100.1, 192.168.1.2"], "192.168.1.2"),
    "a proxy that says nothing": (PROXY, [], PROXY),
    "a proxy that says an empty nothing": (PROXY, [""], PROXY),
    "commas": (PROXY, [",,,"], PROXY),
    "nothing at the end": (PROXY, ["198.51.100.1,"], PROXY),
    "no address": (PROXY, ["unknown"], PROXY),
    "no address behind a good one": (PROXY, ["198.51.100.1, unknown"], PROXY),
    "no address before a trusted one": (PROXY, ["_hidden, 10.0.0.2"], "10.0.0.2"),
    "too large a number": (PROXY, ["198.51.100.256"], PROXY),
    "octal": (PROXY, ["198.051.100.01"], PROXY),
    "three numbers": (PROXY, ["198.51.100"], PROXY),
    "a network": (PROXY, ["198.51.100.0/24"], PROXY),
    "other digits": (PROXY, ["１９８.51.100.1"], PROXY),
    "bytes": (PROXY, ["\xff\xfe"], PROXY),
    "a NUL": (PROXY, ["198.51.100.1\0"], PROXY),
    "very long": (PROXY, ["1" * 60_000], PROXY),
    "very many": (PROXY, [",".join(["1.1.1.1"] * 5_000 + ["198.51.100.1"])], "198.51.100.1"),
    "with a port": (PROXY, ["198.51.100.1:4711"], "198.51.100.1"),
    "with a port that is none": (PROXY, ["198.51.100.1:http"], PROXY),
    "IPv6": ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
    "another of the same /64": ("2001:db8:1:2:ffff::1", [], "2001:db8:1:2::/64"),
    "another /64": ("2001:db8:1:3::1", [], "2001:db8:1:3::/64"),
    "IPv6 behind a proxy": (PROXY, ["2001:DB8:1:2::77"], "2001:db8:1:2::/64"),
    "IPv6 in brackets": (PROXY, ["[2001:db8:1:2::77]"], "2001:db8:1:2::/64"),
    "IPv6 with a port": (PROXY, ["[2001:db8:1:2::77]:4711"], "2001:db8:1:2::/64"),
    "half a bracket": (PROXY, ["[2001:db8:1:2::77"], PROXY),
    "a zone": (PROXY, ["fe80::1%eth0"], PROXY),
    "an IPv6 proxy": ("2001:db8:ffff::1", ["198.51.100.1"], "198.51.100.1"),
    "IPv4 written as IPv6": ("::ffff:203.0.113.7", [], "203.0.113.7"),
    "a proxy's IPv4 written as IPv6": ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    "a client's IPv4 written as IPv6": (PROXY, ["::ffff:198.51.100.1"], "198.51.100.1"),
    "the same in hexadecimal": (PROXY, ["::ffff:c633:6401"], "198.51.100.1"),
    "no network connection": (None, ["198.51.100.1"], "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ADDRESSES)
def test_whom_a_request_is_counted_to(kind: str) -> None:
    peer, fields, counted = ADDRESSES[kind]
    settings = Settings.model_validate({"gateway_trusted_proxies": TRUSTED})
    headers = [(b"host", b"x"), *((b"x-forwarded-for", field.encode("utf-8")) for field in fields)]
    scope = {"client": None if peer is None else (peer, 4711), "headers": headers}
    assert ClientAddresses(settings.gateway_trusted_proxies).of(scope) == counted


def test_nobody_is_trusted_who_is_not_named() -> None:
    scope = {"client": (PROXY, 4711), "headers": [(b"x-forwarded-for", b"198.51.100.1")]}
    assert ClientAddresses(Settings().gateway_trusted_proxies).of(scope) == PROXY


async def test_a_counter_of_this_process_ends_and_begins_anew() -> None:
    clock = StoppedClock()
    counters: Storage = ProcessCounters(clock)
    assert [await counters.incr("a", 10), await counters.incr("a", 10), await counters.incr("a", 10, 3)] == [1, 2, 5]
    assert [await counters.incr("a", 10, -1), await counters.incr("b", 10, -1)] == [4, 0]
    clock.move(seconds=9)
    assert (await counters.get("a"), await counters.get_expiry("a")) == (4, clock.now().timestamp() + 1)
    clock.move(seconds=1)
    assert (await counters.get("a"), await counters.incr("a", 10), await counters.get("c")) == (0, 1, 0)
    await counters.incr("c", 10)
    await counters.clear("a")
    assert (await counters.get("a"), await counters.check(), await counters.reset()) == (0, True, 1)


async def test_counters_of_this_process_are_bounded() -> None:
    clock = StoppedClock()
    counters = ProcessCounters(clock, size=3)
    for key in "abcd":
        await counters.incr(key, 10)
    assert [await counters.get(key) for key in "abcd"] == [0, 1, 1, 1]
    clock.move(seconds=10)
    await counters.incr("e", 10)
    assert await counters.reset() == 1


class _Counting:
    """A verifier that counts how often it is asked, and refuses."""

    asked = 0

    async def verify(self, _: str) -> object:
        self.asked += 1
        raise Unauthenticated("the access token is not valid")


async def test_a_token_is_verified_once_a_request() -> None:
    verifier = _Counting()
    app = SimpleNamespace(state=SimpleNamespace(verifier=verifier, deny_list=None))
    scope = {"type": "http", "app": app, "headers": [(b"authorization", b"Bearer x")]}
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await authenticated(Request(scope))
    assert verifier.asked == 1


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("100 per 15 minutes", Quota(100, 900)),
        ("100/15minutes", Quota(100, 900)),
        ("5 per hour", Quota(5, 3600)),
        ("1000/ 1 day", Quota(1000, 86_400)),
    ],
)
def test_what_a_limit_may_be(text: str, quota: Quota, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_RATE_LIMIT_ADDRESS", text)
    assert read_settings(Settings).gateway_rate_limit_address == quota


def test_the_limits_are_those_of_the_original_unless_set_otherwise() -> None:
    settings = Settings()
    assert settings.gateway_rate_limit_address == Quota(100, 15 * 60)
    assert settings.gateway_rate_limit_auth == Quota(5, 15 * 60)
    assert settings.gateway_rate_limit_subject == Quota(1000, 15 * 60)
    assert (settings.gateway_rate_limit_disabled, settings.gateway_trusted_proxies) == (False, ())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GATEWAY_RATE_LIMIT_ADDRESS", ""),
        ("GATEWAY_RATE_LIMIT_ADDRESS", "100"),
        ("GATEWAY_RATE_LIMIT_ADDRESS", "many per minute"),
        ("GATEWAY_RATE_LIMIT_ADDRESS", "0 per minute"),
        ("GATEWAY_RATE_LIMIT_ADDRESS", "100 per 0 minutes"),
        ("GATEWAY_RATE_LIMIT_AUTH", "-5 per minute"),
        ("GATEWAY_RATE_LIMIT_AUTH", "5 per fortnight"),
        ("GATEWAY_RATE_LIMIT_SUBJECT", "10/second;1000/hour"),
        ("GATEWAY_RATE_LIMIT_DISABLED", "perhaps"),
        ("GATEWAY_TRUSTED_PROXIES", "nginx"),
        ("GATEWAY_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8;172.16.0.0/12"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://cache:6379"),
        ("REDIS_TIMEOUT", "0"),
    ],
)
def test_a_wrong_setting_is_named(variable: str, value: str) -> None:
    said = complaint(Settings, variable, value)
    assert said.startswith(f"setting {variable}: ")
    assert said.count("\n") == 1
    assert len(value) < 5 or value not in said
