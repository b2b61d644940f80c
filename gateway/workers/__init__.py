"""Several processes on one port: a parent that holds the socket, and workers, each a whole gateway (ADR 0026)."""
