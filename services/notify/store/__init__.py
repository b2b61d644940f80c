"""Documents ⇄ domain, and the indexes beside the queries that need them."""
