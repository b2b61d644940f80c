"""What the service can do, one capability a file."""
