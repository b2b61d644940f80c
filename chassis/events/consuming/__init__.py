"""In: one consumer a process; every record handled at least once, in order within its partition, or put aside."""
