"""The live stream of a person's events (WHATWG HTML, 9.2): one reader a process, any number of clients."""
