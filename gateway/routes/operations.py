"""For operators and verifiers: health, metrics, public keys."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import Unavailable
from chassis.problem import CONTENT_TYPE, TABLE, Problem
from chassis.tokens import RemoteKeys
from gateway.answers import answer
from gateway.documentation import Responses, headers_of
from gateway.problems import problem_response
from gateway.readiness import Readiness
from gateway.schemas.operations import Alive, KeySet, Ready
from gateway.translate.keys import jwks_json

router = APIRouter(tags=["operations"])


def _not_ready(schema: str) -> Responses:
    content = {CONTENT_TYPE: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {503: {"description": "Not now", "headers": headers_of("Retry-After"), "content": content}}


@router.get("/healthz", operation_id="healthz", responses={200: {"model": Alive, "description": "It runs"}})
async def healthz() -> Response:
    """Whether the process runs."""
    return answer({"status": "alive"})


@router.get(
    "/readyz",
    operation_id="readyz",
    responses={200: {"model": Ready, "description": "It serves"}, **_not_ready("NotReadyProblem")},
)
async def readyz(request: Request) -> Response:
    """Whether the gateway itself can serve; `degraded` names the services behind it that cannot."""
    readiness: Readiness = request.app.state.readiness
    if refusal := readiness.refusal:
        row, facts = TABLE[Unavailable], {"degraded": readiness.degraded}
        return problem_response(Problem(row, refusal, facts, {"Retry-After": "1"}), request.scope)
    return answer({"status": "ready", "degraded": readiness.degraded})


@router.get(
    "/metrics",
    operation_id="metrics",
    responses={200: {"description": "In Prometheus' text format", "content": {"text/plain": {}}}},
    response_class=Response,
)
async def metrics(request: Request) -> Response:
    """What the gateway measures, in all of its workers."""
    exposition: Callable[[], Awaitable[bytes]] = request.app.state.exposition
    return Response(await exposition(), headers={"content-type": CONTENT_TYPE_LATEST})


@router.get(
    "/.well-known/jwks.json",
    operation_id="jwks",
    responses={200: {"model": KeySet, "description": "The keys (RFC 7517)"}, **_not_ready("Problem")},
)
async def jwks(request: Request) -> Response:
    """The public keys that verify access tokens."""
    keys: RemoteKeys = request.app.state.keys
    if not keys.known:
        raise Unavailable("the signing keys are not known yet")
    return answer(jwks_json(keys.current), headers={"cache-control": "public, max-age=300"})
