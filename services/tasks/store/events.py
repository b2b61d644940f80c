"""Domain events → the messages of primetrade/tasks/v1/events.proto."""

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from primetrade.tasks.v1 import events_pb2, tasks_pb2

from services.tasks.domain.events import TaskCompleted, TaskCreated, TaskDeleted, TaskEvent, TaskUpdated
from services.tasks.domain.task import Task
from services.tasks.mapping.messages import task_message

SOURCE = "/primetrade/tasks"
"""The `ce_source` of every event of this service."""


def message_of(task: Task, event: TaskEvent) -> Message:
    """The message of an event that the task recorded and that its next save will store."""
    match event:
        case TaskCreated():
            return events_pb2.TaskCreated(task=_after_save(task))
        case TaskUpdated(changed):
            # The fields somebody decided; update_time, complete_time and etag follow from them.
            return events_pb2.TaskUpdated(task=_after_save(task), changed=FieldMask(paths=changed))
        case TaskCompleted():
            return events_pb2.TaskCompleted(task=_after_save(task))
        case TaskDeleted():
            return events_pb2.TaskDeleted(task_id=str(task.id), owner_id=str(task.owner_id))


def _after_save(task: Task) -> tasks_pb2.Task:
    """The state that the save makes, under the etag it will have."""
    message = task_message(task)
    message.etag = str(task.version + 1)
    return message
