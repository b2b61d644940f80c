"""A tour of the running suite through REST alone: `python -m deploy.local.demo` (`make demo`)."""
