"""The users service on real engines, through its gRPC face."""
