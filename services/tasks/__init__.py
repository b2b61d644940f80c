"""The tasks service: what people have to do.

Owns the database `tasks`. Publishes TaskCreated, TaskUpdated, TaskCompleted and TaskDeleted on `primetrade.tasks.v1`.
Consumes nothing.
"""
