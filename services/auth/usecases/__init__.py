"""What the auth service can do, one capability a file."""
