"""gRPC between the processes: one server, one channel, and the concerns that wrap every call."""
