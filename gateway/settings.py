"""The settings of the gateway."""

from pydantic import Field

from chassis import settings
from chassis.settings import Port, Target


class Settings(settings.Settings):
    """What the gateway reads from the environment."""

    gateway_host: str = "127.0.0.1"
    gateway_port: Port = Field(default=8080, description="0 takes a free port")

    auth_target: Target = "127.0.0.1:9110"
    users_target: Target = "127.0.0.1:9120"
    tasks_target: Target = "127.0.0.1:9130"
    notify_target: Target = "127.0.0.1:9140"

    upstream_timeout: float = Field(default=5, gt=0, description="seconds a call to a service may take")
    request_timeout: float = Field(default=10, gt=0, description="seconds a request may take, all its calls together")
    max_body_bytes: int = Field(default=1_048_576, ge=1, description="bytes of a request's body; more is refused (413)")
    max_header_bytes: int = Field(
        default=65_536, ge=1024, description="bytes of a request's line and headers together; more is refused (431)"
    )
    max_headers: int = Field(default=100, ge=1, description="headers of a request; more are refused (431)")
    header_timeout: float = Field(default=10, gt=0, description="seconds until a request's headers must be there (408)")
    max_in_flight: int = Field(
        default=512, ge=1, description="API requests served at once; more are refused as unavailable (503)"
    )
    keep_alive_timeout: int = Field(default=30, ge=1, description="seconds an idle connection is kept open")
    require_preconditions: bool = Field(
        default=False, description="a change without If-Match is refused (428), so that none is lost to another"
    )
