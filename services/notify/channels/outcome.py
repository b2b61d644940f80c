"""How an attempt to hand a message to a channel can fail. The reason names no person: it is stored and logged."""


class Deferred(Exception):
    """It may work later: the server is away, busy, or says so (4xx)."""


class Refused(Exception):
    """It will never work: the server says so (5xx), or the message cannot be made."""
