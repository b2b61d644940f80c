"""What every body and every answer has in common."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Body(BaseModel):
    """Something a client sends: no field beside the declared ones, no value turned from one type into another."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class Answer(BaseModel):
    """Something a client receives: exactly these fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)
