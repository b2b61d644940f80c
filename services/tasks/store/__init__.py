"""Tasks in MongoDB: documents ⇄ aggregates, the indexes beside the queries that need them, the events they publish."""
