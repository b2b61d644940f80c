"""What Prometheus scrapes and Grafana shows is what the processes offer."""

import re

import pytest
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Info

from chassis.telemetry import metrics
from tests.contract.deployment import PROCESSES, ROOT, Document, compose, load

DASHBOARDS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "deploy/grafana/dashboards").glob("*.json"))
OF_THE_CLIENT = {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}


def declared() -> set[str]:
    """The series of every metric in chassis/telemetry/metrics.py, and the client library's own about the process."""
    ours = [metric for metric in vars(metrics).values() if isinstance(metric, Counter | Gauge | Histogram | Info)]
    described = [family for metric in ours for family in metric.describe()]
    suffixes = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "info": ("_info",)}
    return OF_THE_CLIENT | {family.name + suffix for family in described for suffix in suffixes.get(family.type, ("",))}


def targets() -> dict[str, list[str]]:
    jobs = load("deploy/prometheus/prometheus.yml")["scrape_configs"]
    return {job["job_name"]: [target for group in job["static_configs"] for target in group["targets"]] for job in jobs}


def test_prometheus_scrapes_every_process_where_it_offers_its_metrics() -> None:
    environments = {name: compose()["services"][name]["environment"] for name in PROCESSES}
    port = {name: given.get("METRICS_PORT", given.get("GATEWAY_PORT")) for name, given in environments.items()}
    assert targets()["primetrade"] == [f"{name}:{port[name]}" for name in PROCESSES]


def test_every_process_has_its_name_as_a_label() -> None:
    (job,) = [
        job for job in load("deploy/prometheus/prometheus.yml")["scrape_configs"] if job["job_name"] == "primetrade"
    ]
    labelled = {group["targets"][0].split(":")[0]: group["labels"]["process"] for group in job["static_configs"]}
    assert labelled == {name: name for name in PROCESSES}


def test_the_collector_is_scraped_checked_and_fed_on_the_ports_it_opens() -> None:
    config = load("deploy/otel/config.yaml")
    (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
    assert targets()["otel-collector"] == [f"otel-collector:{reader['pull']['exporter']['prometheus']['port']}"]
    services = compose()["services"]
    otlp = config["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"].rpartition(":")[2]
    assert {services[name]["environment"]["OTLP_ENDPOINT"] for name in PROCESSES} == {f"http://otel-collector:{otlp}"}
    health = config["extensions"]["health_check"]["endpoint"].rpartition(":")[2]
    assert f":{health}/" in services["otel-collector"]["healthcheck"]["test"][-1]


def test_the_collector_uses_what_it_declares() -> None:
    config = load("deploy/otel/config.yaml")
    for pipeline in config["service"]["pipelines"].values():
        assert all(set(pipeline[part]) <= set(config[part]) for part in ("receivers", "processors", "exporters"))
    assert set(config["service"]["extensions"]) == set(config["extensions"])


def test_grafana_asks_the_prometheus_of_the_compose_file() -> None:
    (source,) = load("deploy/grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    assert (source["uid"], source["url"]) == ("prometheus", "http://prometheus:9090")
    (provider,) = load("deploy/grafana/provisioning/dashboards/files.yaml")["providers"]
    grafana = compose()["services"]["grafana"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.replace(provider["options"]["path"], "deploy/grafana/dashboards") in DASHBOARDS


@pytest.mark.parametrize("path", DASHBOARDS)
def test_a_dashboard_names_only_metrics_that_exist(path: str) -> None:
    panels: list[Document] = load(path)["panels"]
    assert all(panel["datasource"]["uid"] == "prometheus" for panel in panels)
    expressions = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    named = set(re.findall(r"\b(?:primetrade|process)_[a-z_]+\b", expressions))
    assert named
    assert named <= declared()
    assert OF_THE_CLIENT & named <= {sample.name for family in REGISTRY.collect() for sample in family.samples}
