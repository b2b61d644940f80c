"""Redis, which several gateways share: a system's own package, nothing that is built here."""

from chassis.testing.tools.cache import Need

REDIS = Need("redis-server", "install Redis 6.2 or later (Debian: apt install redis-server)")
