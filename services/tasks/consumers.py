"""The events the tasks service reacts to. None yet: what people do with their tasks is the whole story.

A reaction is a handler in HANDLERS, for the protobuf class of its event, and the event's topic in TOPICS.
"""

from collections.abc import Mapping

from google.protobuf.message import Message

from chassis.events.consuming.consumer import Handler
from chassis.events.topics import Topic

TOPICS: tuple[Topic, ...] = ()
HANDLERS: Mapping[type[Message], Handler] = {}
