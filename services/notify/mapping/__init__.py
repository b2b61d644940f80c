"""Protobuf ⇄ domain, by hand, in one place for each contract."""
