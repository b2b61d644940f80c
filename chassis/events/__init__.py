"""Domain events: out through an outbox in the aggregate's own document, in through one consumer a process."""
