"""The notify service: it tells people what happened, in their inbox and by mail.

Owns (database `notify`): `notifications`, the inboxes; `reminders`, a projection of every task with what is needed to
remind of it; `deliveries`, the record of every mail.
Publishes on the topic `notifications`: NotificationCreated, NotificationUpdated.
Consumes: from `auth` AccountRegistered (a welcome in the inbox and by mail); from `tasks` TaskCreated, TaskUpdated,
TaskCompleted, TaskDeleted (an entry for a completed task, one for a task due within a day).
"""
