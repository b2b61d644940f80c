"""Routes whose signature is both their documentation and their check.

FastAPI documents an endpoint from its signature; these routes read the request by the same signature, strictly and
without FastAPI's own reading, which answers other statuses and costs more. An endpoint is
`async def name(request, [<resource>_id: UUID], [query: Annotated[Model, Query()]], [body: Model]) -> Response`.
"""

import inspect
import re
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from typing import Any, ClassVar, get_type_hints
from uuid import UUID

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.errors import NotFound
from chassis.identity import set_principal
from gateway.access import authenticated
from gateway.departure import NOBODY, ClientLeft, departure
from gateway.deprecation import deprecation_of
from gateway.reading.body import read_body, read_no_body
from gateway.reading.query import NoQuery, read_query

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ID = "_id"


class Public(APIRoute):
    """A route for anybody."""

    protected: ClassVar[bool] = False

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["operation_id"] = to_camel(endpoint.__name__)
        if self.protected:
            options["openapi_extra"] = {"security": [{"bearer": []}], **(options.get("openapi_extra") or {})}
        self.deprecation = deprecation_of(endpoint)
        if self.deprecation:
            options = self.deprecation.documented(options)
        super().__init__(path, endpoint, **options)
        self.app = _answering(self.get_route_handler())

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint, protected, safe = self.endpoint, self.protected, self.methods == {"GET"}
        query, body, ids = _signature(endpoint)

        async def handle(request: Request) -> Response:
            set_principal(await authenticated(request) if protected else None)
            arguments: dict[str, object] = {name: _id(request, name) for name in ids}
            if query is not None:
                arguments["query"] = read_query(request, query)
            elif request.scope["query_string"]:
                read_query(request, NoQuery)
            if body is not None:
                arguments["body"] = await read_body(request, body)
            else:
                await read_no_body(request)
            try:
                with departure(request) if safe else nullcontext():
                    response: Response = await endpoint(request, **arguments)
            except ClientLeft:
                return Response(status_code=NOBODY)
            return response

        return handle


class Protected(Public):
    """A route for the bearer of an access token; the endpoint runs as its principal."""

    protected = True


def _answering(handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> ASGIApp:
    """What FastAPI makes of a handler, without the exit stacks and the table of errors that it puts around each."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


def _signature(endpoint: Callable[..., Any]) -> tuple[type[BaseModel] | None, type[BaseModel] | None, list[str]]:
    hints = get_type_hints(endpoint)
    ids = [name for name in inspect.signature(endpoint).parameters if name.endswith(_ID)]
    return hints.get("query"), hints.get("body"), ids


def _id(request: Request, name: str) -> UUID:
    """The id in the path. What is no UUID in its usual form names nothing: raises NotFound."""
    value = request.path_params[name]
    if not _UUID.fullmatch(value):
        raise NotFound(name.removesuffix(_ID), value)
    return UUID(value)
