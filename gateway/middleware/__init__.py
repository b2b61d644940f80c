"""The concerns around every request, each a small ASGI wrapper. Their order is in gateway/app.py."""
