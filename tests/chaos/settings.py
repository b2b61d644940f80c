"""What a run can be told. A variable of the environment (or `make chaos NAME=value`) is the upper-case field name."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ChaosSettings(BaseSettings):
    """How long and how hard. The engines are those that ENGINES names."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    seed: int | None = Field(default=None, description="the plan follows from it; drawn when it is not given")
    kills: int = Field(default=60, ge=1)
    people: int = Field(default=8, ge=1, description="each writes with two devices at once")
    pause: float = Field(default=0.5, ge=0, description="mean of seconds between two writes of a device")
    record: Path | None = Field(default=None, description="a document that the figures are appended to")
