"""Out: the outbox in an aggregate's own document, and the relay that carries its events to Kafka."""
