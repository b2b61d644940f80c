"""The suite's own secrets: made once, readable by their owner only, never committed, never printed."""

import base64
import os
import secrets
from pathlib import Path

NAMES = ("AUTH_KEY_ENCRYPTION_KEY", "AUTH_REFRESH_KEY")
"""Each is 32 random bytes in base64url: what seals auth's signing keys, and what derives refresh tokens."""


class SecretsExist(Exception):
    """The file is there; replacing it would make everything sealed with its keys unreadable."""


def local_secrets(folder: Path) -> dict[str, str]:
    """The secrets kept in `folder` (mode 0700), one file (mode 0600) for each; those missing are made."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return {name: _kept(folder / name) for name in NAMES}


def kept_secrets(folder: Path) -> dict[str, str]:
    """The secrets that are in `folder` already: nothing is made or changed."""
    return {name: (folder / name).read_text().strip() for name in NAMES if (folder / name).exists()}


def write_environment(path: Path, force: bool) -> None:
    """Write compose's `.env` (mode 0600) with fresh secrets. Raises SecretsExist unless `force`."""
    if path.exists() and not force:
        raise SecretsExist(f"{path} exists: keys in it may be in use; FORCE=1 replaces it")
    lines = ["# Secrets of docker-compose.yml, made by `make secrets`. Never commit this file."]
    lines += [f"{name}={new_secret()}" for name in NAMES]
    _write(path, "\n".join(lines) + "\n")


def new_secret() -> str:
    """32 random bytes in base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _kept(path: Path) -> str:
    if not path.exists():
        _write(path, new_secret() + "\n")
    path.chmod(0o600)
    return path.read_text().strip()


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others in between."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
