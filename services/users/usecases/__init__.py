"""What the users service can do, one capability a file."""
