"""The live stream of the caller's events."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from chassis.identity import current_principal
from gateway.documentation import headers_of_limits, refusals
from gateway.middleware.head import asked_by_head
from gateway.middleware.messages import EVENTS
from gateway.reading.cursor import last_event
from gateway.reading.route import Protected
from gateway.schemas.events import DESCRIPTION, EXAMPLE, KINDS
from gateway.streaming.cursor import HEADER, PATTERN
from gateway.streaming.response import MEDIA_TYPE, EventStream, head
from gateway.streaming.streams import Streams

router = APIRouter(tags=["events"], route_class=Protected)

_LAST_EVENT_ID = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "the last id that came: the stream goes on after it, at whatever gateway, for five minutes; after "
    "that, and with an id that the log does not have, it begins with `reset`",
    "schema": {"type": "string", "pattern": PATTERN},
}
_STREAM = {
    "description": "The stream, until it ends",
    "headers": headers_of_limits(),
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "string",
                "description": "Its data, by the name of the event, are the schemas of `x-events`.",
                "x-events": {name: {"$ref": f"#/components/schemas/{kind.__name__}"} for name, kind in KINDS.items()},
            },
            "example": EXAMPLE,
        }
    },
}


@router.get(
    EVENTS,
    response_class=Response,
    responses={200: _STREAM, **refusals(besides={504})},
    description=DESCRIPTION,
    openapi_extra={"parameters": [_LAST_EVENT_ID]},
)
async def stream_events(request: Request) -> Response:
    """The caller's events as they happen (server-sent events)."""
    cursor = last_event(request)
    if asked_by_head(request.scope):
        return head()
    streams: Streams = request.app.state.streams
    return EventStream(streams, current_principal(), cursor)
