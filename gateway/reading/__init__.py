"""Reading requests strictly: what is not exactly as documented is refused, naming what and why."""
