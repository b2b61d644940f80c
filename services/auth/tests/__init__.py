"""The auth service on real engines, through its gRPC face."""
