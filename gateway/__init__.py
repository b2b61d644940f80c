"""The gateway: the one door for REST clients. It verifies tokens, limits, routes to gRPC and translates.

Consumes `SessionRevoked`, in every process: an access token of a session that ended is refused.

It owns no data and knows no business rule; what it checks of a body is the shape that its OpenAPI document promises.
"""
