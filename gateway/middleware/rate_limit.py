"""Nobody asks more of the API than their quota, and every answer tells what is left of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.errors import Error, Exhausted
from gateway.access import authenticated
from gateway.limiting.addresses import ClientAddresses
from gateway.limiting.limiter import Limiter, Policy, Standing
from gateway.limiting.quota import Quota
from gateway.problems import problem_for, problem_response
from gateway.settings import Settings

_API = "/api/"
_AUTH = "/api/v1/auth/"


@dataclass(frozen=True, slots=True)
class RouteClass:
    """The policies that count a request, and how RateLimit-Policy names them."""

    policies: tuple[Policy, ...]
    field: tuple[bytes, bytes]

    @classmethod
    def of(cls, *policies: Policy) -> "RouteClass":
        """The class of these policies."""
        return cls(policies, (b"ratelimit-policy", ", ".join(str(policy.quota) for policy in policies).encode()))


class RateLimit:
    """Refuses (429) API requests over a quota, and adds the RateLimit fields to every answer of the API.

    Under /api/v1/auth/ an address has a quota of requests and one of failures. Elsewhere the bearer of a valid token is
    counted by subject, anybody else by address. Fields as in draft-ietf-httpapi-ratelimit-headers-06: those of the
    policy that has least left, and every policy that counted. Whatever answers is inside, so that each refusal counts.
    OPTIONS is free: a browser asks before each request to another origin, without the token.
    """

    def __init__(self, app: ASGIApp, limiter: Limiter, settings: Settings) -> None:
        self._app, self._limiter = app, limiter
        self._addresses = ClientAddresses(settings.gateway_trusted_proxies)
        address = _policy("address", settings.gateway_rate_limit_address, "An address may send {} requests")
        subject = _policy("subject", settings.gateway_rate_limit_subject, "A person may send {} requests")
        auth = _policy(
            "auth", settings.gateway_rate_limit_auth, "An address may fail {} times at this", failures_only=True
        )
        self._by_address, self._by_subject = RouteClass.of(address), RouteClass.of(subject)
        self._to_auth = RouteClass.of(address, auth)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(_API) or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        route_class, who = await self._counted(scope)
        standings: list[Standing] = []

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                for standing in standings:
                    await self._limiter.settle(standing, failed=400 <= message["status"] < 500)
                message["headers"] = [*message.get("headers", ()), *_fields(standings), route_class.field]
            await send(message)

        try:
            for policy in route_class.policies:
                standing = await self._limiter.take(policy, who)
                standings.append(standing)
                if standing.refused:
                    problem = problem_for(Exhausted(policy.rule, standing.reset))
                    await problem_response(problem, scope)(scope, receive, sending)
                    return
            await self._app(scope, receive, sending)
        finally:
            for standing in standings:
                self._limiter.release(standing)

    async def _counted(self, scope: Scope) -> tuple[RouteClass, str]:
        """By which policies, and as whom. A token that does not hold is none: else a new one each time would do."""
        if scope["path"].startswith(_AUTH):
            return self._to_auth, self._addresses.of(scope)
        try:
            return self._by_subject, (await authenticated(Request(scope))).subject
        except Error:
            return self._by_address, self._addresses.of(scope)


def _policy(name: str, quota: Quota, rule: str, *, failures_only: bool = False) -> Policy:
    rule = f"{rule.format(quota.requests)} in {quota.seconds} seconds; Retry-After says when to try again."
    return Policy(name, quota, rule, failures_only)


def _fields(standings: Sequence[Standing]) -> list[tuple[bytes, bytes]]:
    least = min(standings, key=lambda standing: (not standing.refused, standing.remaining))
    return [
        (b"ratelimit-limit", b"%d" % least.policy.quota.requests),
        (b"ratelimit-remaining", b"%d" % least.remaining),
        (b"ratelimit-reset", b"%d" % least.reset),
    ]
