"""Tools too heavy for the lock, built once per machine and kept outside the checkout.

`python -m chassis.testing.tools` builds or verifies them all and says which; see `cache` for what a kept tool promises.
"""
