"""Events for the eyes of a person: every contract of the suite is known here, so that all of them can be decoded."""

from typing import Any

from google.protobuf.json_format import Error, MessageToDict

# What is to be decoded must be known to the process.
from primetrade.auth.v1 import events_pb2 as _auth  # noqa: F401
from primetrade.notify.v1 import events_pb2 as _notify  # noqa: F401
from primetrade.tasks.v1 import events_pb2 as _tasks  # noqa: F401
from primetrade.users.v1 import events_pb2 as _users  # noqa: F401

from chassis.events.envelope import Event, Undecodable


def decoded(event: Event) -> dict[str, Any]:
    """The event's data in protobuf's JSON. Raises Undecodable, also for values that JSON has no form for, such as a
    time after the year 9999."""
    try:
        return MessageToDict(event.message())
    except Error as error:
        raise Undecodable(str(error)) from None
