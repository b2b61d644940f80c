"""Profiles, as rules: no I/O, no clock, no protobuf, no Mongo."""
