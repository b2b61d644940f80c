"""What a process says about a wrong setting."""

import contextlib
import io
import os
from typing import TypeVar
from unittest.mock import patch

from pydantic_settings import BaseSettings

from chassis.settings import read_settings

S = TypeVar("S", bound=BaseSettings)


def complaint(kind: type[S], variable: str, value: str) -> str:
    """The lines that a process of these settings ends with when the variable has that value; empty when it has none."""
    said = io.StringIO()
    with patch.dict(os.environ, {variable: value}), contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        read_settings(kind)
    return said.getvalue()
