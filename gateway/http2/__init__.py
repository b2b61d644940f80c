"""HTTP/2 without TLS, by prior knowledge (RFC 9113, 3.3): what a proxy speaks that speaks it to the gateway.

either.py      which of the two a connection speaks
connection.py  frames, kept by h2, into streams; what bounds them
stream.py      one request and its answer
head.py        the fields of a request: what they ask, and why they are refused
patience.py    how many frames that ask for nothing a client may send
"""
