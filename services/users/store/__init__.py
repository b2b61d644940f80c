"""MongoDB documents of the users service, and the cache before them."""
