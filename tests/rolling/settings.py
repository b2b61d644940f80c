"""What a run can be told. A variable of the environment (or `make rolling NAME=value`) is the upper-case field name."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RollingSettings(BaseSettings):
    """How long. The engines are those that ENGINES names."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    requests: int = Field(default=20_000, ge=1, description="at least so many, in which the replacing is spread")
    rounds: int = Field(default=1, ge=1, description="how often each process is replaced")
    seed: int = Field(default=7, description="who asks for what follows from it")
    record: Path | None = Field(default=None, description="a document that the figures are appended to")
