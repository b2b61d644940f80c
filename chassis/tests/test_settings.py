"""A wrong setting is named before anything starts, and its value is never shown."""

import pytest

from chassis.settings import ServiceSettings, read_settings

MISTAKES = [
    ("LOG_LEVEL", "loud"),
    ("METRICS_PORT", "70000"),
    ("METRICS_PORT", "http"),
    ("TRACE_SAMPLE_RATIO", "1.5"),
    ("STARTUP_TIMEOUT", "0"),
    ("DRAIN_TIMEOUT", "-1"),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker"),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker:9092,other"),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker:0"),
    ("KAFKA_IDEMPOTENCE", "perhaps"),
    ("KAFKA_PARTITIONS", "0"),
    ("KAFKA_REPLICATION_FACTOR", "0"),
    ("KAFKA_MIN_INSYNC_REPLICAS", "0"),
    ("KAFKA_MIN_INSYNC_REPLICAS", "2"),
    ("KAFKA_RETENTION_HOURS", "0"),
    ("KAFKA_DEAD_LETTER_RETENTION_HOURS", "0"),
    ("KAFKA_PREFIX", "Prime Trade"),
    ("GRPC_PORT", "-1"),
    ("GRPC_MAX_IN_FLIGHT", "0"),
    ("GRPC_DRAIN_NOTICE", "-1"),
    ("GRPC_DRAIN_NOTICE", "soon"),
    ("MONGO_DRIVER", "mongoose"),
    ("MONGO_MAX_POOL_SIZE", "0"),
    ("MONGO_MIN_POOL_SIZE", "-1"),
    ("MONGO_URL", "postgres://user:hunter2@db/tasks"),
    ("AUTH_TARGET", "auth"),
    ("AUTH_TARGET", "auth:port"),
    ("OTLP_ENDPOINT", "collector:4317"),
]


@pytest.mark.parametrize(("variable", "value"), MISTAKES)
def test_a_mistake_names_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        read_settings(ServiceSettings)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"setting {variable}:" in said
    assert "hunter2" not in said


def test_all_mistakes_are_named_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    monkeypatch.setenv("GRPC_PORT", "-1")
    with pytest.raises(SystemExit):
        read_settings(ServiceSettings)
    said = capsys.readouterr().err
    assert "LOG_LEVEL" in said
    assert "GRPC_PORT" in said


def test_a_secret_is_not_shown() -> None:
    settings = ServiceSettings(mongo_url="mongodb://user:hunter2@db/")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()
