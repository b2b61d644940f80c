"""What the gateway itself costs a request, beside applications that do nothing, in one run: `make bench-gateway`.

arms.py    the same requests to the gateway of a whole suite, to FastAPI and to bare ASGI; CPU of the process asked
bare.py    the applications that do nothing, on the gateway's own HTTP server
tokens.py  the check of a token, alone
"""
