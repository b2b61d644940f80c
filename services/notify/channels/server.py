"""Where the mail server is: an SMTP URL."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

_PORTS = {"smtp": 25, "smtps": 465}
_STARTTLS_PORT = 587
_SHAPE = "must be smtp://[user:password@]host[:port][?starttls=1] or smtps://[user:password@]host[:port]"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """`tls` speaks TLS from the first byte (RFC 8314); `starttls` requires the upgrade (RFC 3207) before anything is
    said. With neither nothing is encrypted."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    tls: bool
    starttls: bool

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """The server of an SMTP URL. Raises ValueError without repeating it: it may hold a password."""
        try:
            parts = urlsplit(url)
            port = parts.port
            options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        except ValueError:
            raise ValueError(_SHAPE) from None
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
            raise ValueError(_SHAPE)
        if options.keys() - {"starttls"} or options.get("starttls", "0") not in ("0", "1"):
            raise ValueError(_SHAPE)
        starttls = options.get("starttls") == "1"
        if parts.scheme == "smtps" and starttls:
            raise ValueError("smtps:// is encrypted from the start: it takes no starttls")
        username, password = unquote(parts.username or ""), unquote(parts.password or "")
        if bool(username) != bool(password):
            raise ValueError("user and password come together or not at all")
        default = _STARTTLS_PORT if starttls else _PORTS[parts.scheme]
        if port == 0:
            raise ValueError(_SHAPE)
        return cls(parts.hostname, port or default, username, password, parts.scheme == "smtps", starttls)
