"""What no route answers (no such path, no such method there), and a bug in the wrappers themselves."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from chassis.problem import INTERNAL, METHOD_NOT_ALLOWED, NO_ROUTE, Problem
from gateway.problems import problem_for, problem_response


async def refuse_route(request: Request, _: Exception) -> Response:
    """What the path allows: 204 when OPTIONS asks for it, else 405. 404 where there is nothing.

    GET and HEAD with one slash too many get 308 (RFC 9110, 15.4.9) to where there is something; a write never does:
    what it changes must be named exactly.
    """
    methods = _allowed(request, request.scope["path"])
    if not methods:
        if request.method in ("GET", "HEAD") and "GET" in _allowed(request, _without_slash(request.scope["path"])):
            return _without_slash_of(request)
        return problem_response(Problem(NO_ROUTE, "Nothing is served at this path."), request.scope)
    allowed = ", ".join(sorted(methods))
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allowed})
    problem = Problem(METHOD_NOT_ALLOWED, f"This path allows {allowed}.", headers={"Allow": allowed})
    return problem_response(problem, request.scope)


async def refuse_bug(request: Request, error: Exception) -> Response:
    """The last net: the same answer as for any bug."""
    problem = problem_for(error)
    return problem_response(problem if problem.row is INTERNAL else Problem(INTERNAL, problem.detail), request.scope)


def _allowed(request: Request, path: str) -> set[str]:
    """The methods of the path, none if it has no route; those of all paths for `*` (RFC 9110, 9.3.7)."""
    scope = {**request.scope, "path": path}
    routes = request.app.routes
    found = {method for route in routes for method in _methods(route, scope, everywhere=path == "*")}
    if not found:
        return found
    return found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())


def _methods(route: BaseRoute, scope: Scope, everywhere: bool) -> set[str]:
    methods: set[str] = getattr(route, "methods", None) or set()
    return methods if everywhere or route.matches(scope)[0] is not Match.NONE else set()


def _without_slash(path: str) -> str:
    """The path without one slash at its end; empty, which no route has, where it ends in none or is the root."""
    return path[:-1] if path.endswith("/") else ""


def _without_slash_of(request: Request) -> Response:
    """308 to the same path without its last slash, and the same query, both as they were sent.

    The path is one of ours, so it begins with one slash: no Location leads to another host.
    """
    path, query = request.scope["raw_path"].decode("latin-1")[:-1], request.scope["query_string"].decode("latin-1")
    return Response(status_code=308, headers={"Location": f"{path}?{query}" if query else path})
