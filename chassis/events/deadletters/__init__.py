"""Dead letters as an operator meets them: listed, shown, redriven into their own service, purged."""
