"""The gateway: the one door for REST clients. It verifies tokens, limits, routes to gRPC and translates.

It owns no data and knows no business rule; what it checks of a body is the shape that its OpenAPI document promises.
"""
