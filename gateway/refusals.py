"""What the router refuses (no such path, no such method there), and a bug in the wrappers themselves."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from chassis.problem import INTERNAL, METHOD_NOT_ALLOWED, NO_ROUTE, Problem
from gateway.problems import problem_for, problem_response


async def refuse_route(request: Request, _: Exception) -> Response:
    """404, or 405 with every method that the path has."""
    methods = {method for route in request.app.routes for method in _methods(route, request)}
    if not methods:
        return problem_response(Problem(NO_ROUTE, "Nothing is served at this path."), request.scope)
    if "GET" in methods:
        methods.add("HEAD")
    allowed = ", ".join(sorted(methods))
    problem = Problem(METHOD_NOT_ALLOWED, f"This path allows {allowed}.", headers={"Allow": allowed})
    return problem_response(problem, request.scope)


async def refuse_bug(request: Request, error: Exception) -> Response:
    """The last net: the same answer as for any bug."""
    problem = problem_for(error)
    return problem_response(problem if problem.row is INTERNAL else Problem(INTERNAL, problem.detail), request.scope)


def _methods(route: BaseRoute, request: Request) -> set[str]:
    match, _ = route.matches(request.scope)
    methods: set[str] = getattr(route, "methods", None) or set()
    return set() if match is Match.NONE else methods
