"""Accounts, sessions, tokens and keys, as rules: no I/O, no clock, no protobuf, no Mongo."""
