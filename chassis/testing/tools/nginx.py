"""nginx, which stands before gateways: a system's own package, nothing that is built here."""

from chassis.testing.tools.cache import Need

NGINX = Need("nginx", "install nginx 1.18 or later (Debian: apt install nginx-light)")
