"""What the users service reads from the environment."""

from pydantic import Field, SecretStr

from chassis.settings import RedisUrl, ServiceSettings


class Settings(ServiceSettings):
    """The settings of the users service."""

    redis_url: RedisUrl = Field(
        default=SecretStr(""), description="where replicas share their cache; each keeps its own when empty"
    )
    profile_cache_seconds: int = Field(default=300, ge=1)
    profile_cache_size: int = Field(default=10_000, ge=1, description="profiles kept in process")
