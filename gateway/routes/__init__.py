"""The routes, one file for each resource: read the request, ask the service that knows, say its answer."""
