"""Domain events: out through an outbox in the aggregate's own document, in through one consumer a process."""

from chassis.events.strays import asking_creates_nothing

asking_creates_nothing()
