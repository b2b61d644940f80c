"""The REST contract: what the routes say of themselves, as one OpenAPI document."""
