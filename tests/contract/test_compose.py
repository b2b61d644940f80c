"""The compose file is valid, complete and true to the code: no Docker is needed to know it."""

import re
from functools import partial
from pathlib import Path

import pytest

from chassis.settings import read_settings
from deploy.local.secrets import NAMES as MADE_SECRETS
from tests.contract.deployment import PROCESSES, ROOT, Document, compose, problems, settings_of, substituted

SERVICES: Document = compose()["services"]
TEXT = (ROOT / "docker-compose.yml").read_text()
ENGINES = {"mongo", "kafka", "redis", "mailpit", "otel-collector", "prometheus", "grafana"}
# Of compose alone: where images come from. Everything else in it is a setting of some process.
OF_COMPOSE = {"IMAGE_PREFIX", "IMAGE_TAG"}
# A full version: two numbers at least, so that neither `latest` nor `8` passes.
PINNED = re.compile(r"^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)*$")

per_process = pytest.mark.parametrize("process", PROCESSES)
per_service = pytest.mark.parametrize("service", SERVICES)


def environment(process: str) -> dict[str, str]:
    return {name: str(value) for name, value in SERVICES[process]["environment"].items()}


def test_it_follows_the_compose_specification() -> None:
    assert problems("compose-spec", ROOT / "docker-compose.yml") == ""


def test_the_specification_refuses_what_is_not_compose(tmp_path: Path) -> None:
    (tmp_path / "wrong.yml").write_text("services: {gateway: {image: x, helthcheck: {}}}")
    assert "helthcheck" in problems("compose-spec", tmp_path / "wrong.yml")


def test_it_has_the_processes_and_the_engines() -> None:
    assert set(SERVICES) == {*PROCESSES, *ENGINES}


@per_service
def test_every_image_is_pinned_or_built_here(service: str) -> None:
    image = SERVICES[service]["image"]
    if "build" in SERVICES[service]:
        assert image == f"${{IMAGE_PREFIX:-primetrade}}/{service}:${{IMAGE_TAG:-local}}"
    else:
        assert PINNED.match(image), image


@pytest.mark.parametrize("dockerfile", ["deploy/docker/Dockerfile", "deploy/otel/Dockerfile"])
def test_every_base_image_is_pinned(dockerfile: str) -> None:
    text = (ROOT / dockerfile).read_text()
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.MULTILINE))
    bases = [
        re.sub(r"\$\{(\w+)\}", lambda name: arguments[name[1]], base) for base in re.findall(r"^FROM (\S+)", text, re.M)
    ]
    assert bases
    assert all(PINNED.match(base) for base in bases), bases


@per_service
def test_every_service_has_a_health_check_and_limits(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"
    limits = SERVICES[service]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory"}
    assert SERVICES[service]["pids_limit"]
    assert SERVICES[service]["restart"] == "unless-stopped"


@per_process
def test_a_process_may_do_no_more_than_it_must(process: str) -> None:
    service = SERVICES[process]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"])  # noqa: S108 - the container's own


@per_service
def test_it_starts_after_what_it_needs_is_healthy(service: str) -> None:
    needs = SERVICES[service].get("depends_on", {})
    assert all(SERVICES[need]["healthcheck"] for need in needs)
    assert all(condition == {"condition": "service_healthy"} for condition in needs.values())
    if service in PROCESSES:
        named = {host for value in environment(service).values() for host in re.findall(r"([a-z][a-z-]*):\d+", value)}
        awaited = reached(service)
        # auth asks users and users asks auth: the one whose answer may be late (the event brings it) does not wait.
        assert (named & set(SERVICES)) - {service} - awaited <= ({"users"} if service == "auth" else set())


def reached(service: str) -> set[str]:
    """What is healthy before the service starts."""
    needs = set(SERVICES[service].get("depends_on", {}))
    return needs.union(*(reached(need) for need in needs))


@per_process
def test_every_variable_is_a_setting_and_its_value_is_accepted(process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = settings_of(process)
    fields = {name.upper() for name in kind.model_fields}
    given = environment(process)
    assert set(given) <= fields
    for name in fields:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, re.sub(r"\$\{.*\}", "A" * 43 + "=", value))
    read_settings(kind)


@per_process
def test_every_setting_without_a_default_is_given(process: str) -> None:
    required = {name.upper() for name, field in settings_of(process).model_fields.items() if field.is_required()}
    assert required <= set(environment(process))


def test_what_it_asks_of_the_person_is_a_setting() -> None:
    settings = {name.upper() for process in PROCESSES for name in settings_of(process).model_fields}
    assert set(substituted(TEXT)) <= settings | OF_COMPOSE


def test_a_secret_has_no_default() -> None:
    secrets = {name: rest for name, rest in substituted(TEXT).items() if "KEY" in name or "PASSWORD" in name}
    assert set(secrets) == set(MADE_SECRETS)
    assert set(secrets.values()) == {":?run make secrets"}


@per_process
def test_every_address_is_one_that_a_service_listens_on(process: str) -> None:
    listening: dict[str, set[str | None]] = {
        **{name: {environment(name).get("GRPC_PORT"), environment(name).get("GATEWAY_PORT")} for name in PROCESSES},
        "mongo": {"27017"}, "kafka": {"9092"}, "redis": {"6379"}, "mailpit": {"1025"}, "otel-collector": {"4317"},
    }  # fmt: skip
    targets = [pair for value in environment(process).values() for pair in re.findall(r"([a-z][a-z-]*):(\d+)", value)]
    assert targets
    assert all(port in listening[host] for host, port in targets), targets


def test_only_the_gateway_is_open_to_other_machines() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports.pop("gateway") == ["${GATEWAY_PORT:-8080}:" + environment("gateway")["GATEWAY_PORT"]]
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)
    assert all("edge" in SERVICES[name]["networks"] for name in (*ports, "gateway"))


def mounted() -> list[str]:
    binds = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    builds = [service["build"] for service in SERVICES.values() if "build" in service]
    dockerfiles = [Path(build["context"], build.get("dockerfile", "Dockerfile")).as_posix() for build in builds]
    return sorted({*dockerfiles, *(bind for bind in binds if bind.startswith("."))})


@pytest.mark.parametrize("path", mounted())
def test_every_file_it_names_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_volume_and_network_is_declared() -> None:
    document = compose()
    volumes = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {volume for volume in volumes if not volume.startswith(".")} == set(document["volumes"])
    assert {network for service in SERVICES.values() for network in service["networks"]} == set(document["networks"])


@per_process
def test_the_image_is_built_for_the_process_and_checks_the_port_it_listens_on(process: str) -> None:
    assert SERVICES[process]["build"]["args"] == {"PROCESS": process}
    assemble = (ROOT / "deploy/docker/assemble.sh").read_text()
    given = environment(process)
    probed = (
        f"http://127.0.0.1:{given['GATEWAY_PORT']}/readyz"
        if process == "gateway"
        else f"127.0.0.1:{given['GRPC_PORT']}"
    )
    (line,) = [line for line in assemble.splitlines() if re.search(rf"\b{process}\b.*\) code=", line)]
    assert line.endswith(f"target={probed} ;;")


def test_the_image_runs_as_nobody_in_particular_on_a_read_only_root() -> None:
    text = (ROOT / "deploy/docker/Dockerfile").read_text()
    has = partial(re.search, string=text, flags=re.MULTILINE)
    assert has(r"^USER 10001:10001$")
    assert has("PYTHONDONTWRITEBYTECODE=1")
    assert has(r'^ENTRYPOINT \["process"\]$')
    assert has(r'^HEALTHCHECK .* CMD \["healthy"\]$')
