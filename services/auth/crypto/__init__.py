"""What guards secrets: password hashes, sealed keys, signed tokens."""
