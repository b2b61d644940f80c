"""What a task is and which rules it keeps. Pure: no I/O, no clock, no protobuf, no MongoDB."""
