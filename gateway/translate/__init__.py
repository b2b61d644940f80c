"""Protobuf to JSON and back, by hand, in one place for each contract."""
