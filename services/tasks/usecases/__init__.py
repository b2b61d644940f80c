"""What can be done with tasks, a capability a file. Each raises NotFound for a task that is somebody else's."""
