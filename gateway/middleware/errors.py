"""Every error becomes a problem document (RFC 9457)."""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.errors import DeadlineExceeded, Unavailable
from gateway.problems import problem_for, problem_response

log = structlog.get_logger(__name__)


class Errors:
    """Answers whatever is raised inside; a bug is logged with its trace and leaves as a 500 that tells nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            problem = problem_for(error)
            if problem.row.status == 500:
                log.exception("request_failed")
            elif isinstance(error, Unavailable | DeadlineExceeded):
                log.warning("request_not_served", error=str(error))
            if started:
                raise
            await problem_response(problem, scope)(scope, receive, send)
