"""What a run of the fuzzer reads from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FuzzSettings(BaseSettings):
    """`make fuzz N=… SEED=…`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    n: int = Field(default=5_000, ge=1, description="how many requests at least")
    seed: int = Field(default=7, ge=0, description="of the first round; each further one has the next")
