"""A wrong setting is named by its variable, and its value is never shown."""

import pytest

from chassis.settings import read_settings
from services.auth.settings import Settings, key_bytes
from services.auth.tests.world import key


@pytest.fixture(autouse=True)
def _right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_KEY_ENCRYPTION_KEY", key())
    monkeypatch.setenv("AUTH_REFRESH_KEY", key().rstrip("="))


def test_keys_are_read_with_and_without_padding() -> None:
    values = read_settings(Settings)
    assert len(key_bytes(values.auth_key_encryption_key)) == len(key_bytes(values.auth_refresh_key)) == 32


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AUTH_KEY_ENCRYPTION_KEY", ""),
        ("AUTH_KEY_ENCRYPTION_KEY", "dG9vIHNob3J0"),
        ("AUTH_KEY_ENCRYPTION_KEY", "A" * 44),
        ("AUTH_KEY_ENCRYPTION_KEY", "+" * 43),
        ("AUTH_REFRESH_KEY", "A" * 42 + "\n"),
        ("AUTH_REFRESH_KEY", "ä" * 43),
        ("AUTH_REFRESH_KEY", "00" * 32),
        ("USERS_TARGET", "no-port-here"),
        ("USERS_TIMEOUT", "0"),
        ("ACCESS_TOKEN_SECONDS", "soon"),
        ("SERVICE_TOKEN_SECONDS", "1"),
        ("SESSION_DAYS", "0"),
        ("REFRESH_GRACE_SECONDS", "-1"),
        ("SIGNING_KEY_DAYS", "0"),
        ("SIGNING_KEY_LEAD_SECONDS", "5"),
        ("ARGON2_MEMORY_KIB", "64"),
        ("ARGON2_PASSES", "0"),
        ("ARGON2_LANES", "0"),
        ("PASSWORD_HASH_CONCURRENCY", "0"),
        ("LOCKOUT_FAILURES", "0"),
        ("LOCKOUT_SECONDS", "forever"),
        ("MONGO_DRIVER", "mongoose"),
        ("KAFKA_BOOTSTRAP_SERVERS", "nowhere"),
        ("GRPC_PORT", "70000"),
    ],
)
def test_a_mistake_names_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        read_settings(Settings)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(f"setting {variable}: ")
    assert said.count("\n") == 1
    assert not value.strip() or len(value) < 10 or value not in said


def test_missing_keys_are_both_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AUTH_KEY_ENCRYPTION_KEY")
    monkeypatch.delenv("AUTH_REFRESH_KEY")
    with pytest.raises(SystemExit):
        read_settings(Settings)
    said = capsys.readouterr().err
    assert "setting AUTH_KEY_ENCRYPTION_KEY: " in said
    assert "setting AUTH_REFRESH_KEY: " in said
