"""The files under deploy/: the dashboard is what its generator makes, and everything they name exists."""

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.calls import GROUPING_COLUMNS
from config.load import load
from config.server import Server
from detectors.catalogue import BY_NAME
from detectors.judge_catalogue import JUDGED_BY_NAME
from detectors.measurement import Segment
from detectors.text_catalogue import TEXTS_BY_NAME
from monitor.exporter import Exporter

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "watchkeeper.json"


def read_yaml(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return parsed


def expressions(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def exported_names() -> set[str]:
    from snapshots import FRESH_FOR, NOW, snapshot

    page = Exporter(snapshot, lambda: NOW, FRESH_FOR, "0").render().decode()
    return set(re.findall(r"^(\w+)\{", page, re.MULTILINE))


def test_the_committed_dashboard_is_what_the_generator_makes() -> None:
    spec = spec_from_file_location("dashboard", DEPLOY / "dashboard.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert DASHBOARD.read_text(encoding="utf-8") == module.build(), "run: python -m deploy.dashboard"


def test_every_metric_of_the_dashboard_is_exported(dashboard: dict[str, Any]) -> None:
    used = {name for text in expressions(dashboard) for name in re.findall(r"\b(?:llm|watchkeeper)_\w+", text)}
    assert len(used) > 20
    judged = {f"llm_{name}{end}" for name in JUDGED_BY_NAME for end in ("", "_lower", "_upper")}
    assert used <= exported_names() | {f"llm_{name}" for name in TEXTS_BY_NAME} | judged


def test_every_label_of_the_dashboard_is_one_that_a_measurement_has(dashboard: dict[str, Any]) -> None:
    for text in expressions(dashboard):
        for name, matchers in re.findall(r"llm_(\w+)\{([^}]*)\}", text):
            if name != "window_end_timestamp_seconds":
                spec = (BY_NAME | TEXTS_BY_NAME | JUDGED_BY_NAME)[re.sub("_(lower|upper)$", "", name)]
                own = {label for label, _ in spec.labels}
                assert set(re.findall(r"(\w+)!?=", matchers)) <= {"source", *GROUPING_COLUMNS, *own}


def test_every_measurement_of_texts_but_languages_has_a_panel(dashboard: dict[str, Any]) -> None:
    used = {name for text in expressions(dashboard) for name in re.findall(r"\bllm_(\w+)", text)}
    assert TEXTS_BY_NAME.keys() - used == {"language_ratio"}


def test_alerts_and_events_are_marked_on_the_charts_and_the_reports_are_one_click_away(
    dashboard: dict[str, Any],
) -> None:
    marks = {each["name"]: each["expr"] for each in dashboard["annotations"]["list"]}
    assert marks.keys() == {"Alerts", "Events"}
    names = {name for text in marks.values() for name in re.findall(r"\b(?:llm|watchkeeper)_\w+", text)}
    assert names == {"watchkeeper_alerts", "watchkeeper_event_timestamp_seconds"}
    (link,) = dashboard["links"]
    assert link["url"] == "${watchkeeper}"
    (address,) = [each for each in dashboard["templating"]["list"] if each["name"] == "watchkeeper"]
    assert address["type"] == "textbox"


def test_a_panel_of_the_whole_source_reads_no_segment(dashboard: dict[str, Any]) -> None:
    reading = [text for text in expressions(dashboard) if text.startswith("llm_calls_per_second{")]
    assert len(reading) == 3
    for column in GROUPING_COLUMNS:
        assert f'{column}=""' in reading[0]
    assert Segment().columns == ()


def test_every_query_of_a_panel_has_a_name_of_its_own(dashboard: dict[str, Any]) -> None:
    for panel in dashboard["panels"]:
        letters = [target["refId"] for target in panel.get("targets", [])]
        assert all(letters)
        assert len(set(letters)) == len(letters)


def test_the_services_that_ask_for_no_login_listen_on_this_machine_only() -> None:
    for service in read_yaml("compose.yaml")["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_every_file_that_compose_mounts_exists() -> None:
    mounts = [mount for service in read_yaml("compose.yaml")["services"].values() for mount in service["volumes"]]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert len(files) == 4
    assert all((DEPLOY / file).exists() for file in files)


def test_watchkeeper_runs_with_a_read_only_root_and_without_rights() -> None:
    service = read_yaml("compose.yaml")["services"]["watchkeeper"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "/tmp" in service["tmpfs"]


def test_the_configuration_of_compose_is_valid_and_its_log_folder_is_mounted() -> None:
    loaded = load(DEPLOY / "watchkeeper.yaml", {})
    mounts = read_yaml("compose.yaml")["services"]["watchkeeper"]["volumes"]
    folders = [mount.split(":")[-2] for mount in mounts]
    assert loaded.settings.rules.keys() == {"errors", "slow"}
    assert all(path.rpartition("/")[0] in folders for path in loaded.settings.sources["app"].paths)  # type: ignore[union-attr]


def test_prometheus_scrapes_the_port_that_the_service_has_by_default_and_honours_its_labels() -> None:
    (job,) = read_yaml("prometheus.yml")["scrape_configs"]
    port = Server.model_fields["port"].default
    assert job["static_configs"] == [{"targets": [f"watchkeeper:{port}"]}]
    assert job["honor_labels"] is True
    assert f"127.0.0.1:{port}:{port}" in read_yaml("compose.yaml")["services"]["watchkeeper"]["ports"]


def test_grafana_finds_its_prometheus_and_its_dashboard() -> None:
    (source,) = read_yaml("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    (provider,) = read_yaml("grafana/provisioning/dashboards/watchkeeper.yaml")["providers"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    mounts = read_yaml("compose.yaml")["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts


def test_the_image_takes_only_what_it_is_made_of() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(name for names in copied for name in names.split()) == sorted(allowed)
