"""What the users service reads from the environment."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from chassis.settings import ServiceSettings


def _redis(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    try:
        url = urlsplit(text)
        right = not text or (url.scheme in ("redis", "rediss") and bool(url.hostname) and url.port != 0)
    except ValueError:
        right = False
    if not right:
        raise ValueError("must be redis[s]://[user:password@]host[:port][/database], or empty")
    return value


class Settings(ServiceSettings):
    """The settings of the users service."""

    redis_url: Annotated[SecretStr, AfterValidator(_redis)] = Field(
        default=SecretStr(""), description="where replicas share their cache; each keeps its own when empty"
    )
    profile_cache_seconds: int = Field(default=300, ge=1)
    profile_cache_size: int = Field(default=10_000, ge=1, description="profiles kept in process")
