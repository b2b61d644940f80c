"""The REST contract held against the running suite by Schemathesis: requests that follow it and that break it."""
