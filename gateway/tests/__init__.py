"""Tests of the gateway: real HTTP to a real gateway, and real gRPC to servers whose answers the tests choose."""
