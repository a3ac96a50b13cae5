"""Dashboards and alerts: every expression is one, and of metrics that there are."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import temporalio
import yaml

from tests.deploy.tools import DEPLOY, ROOT, run, tool
from turnkeeper.instruments import INSTRUMENTS

BOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = DEPLOY / "prometheus" / "rules" / "turnkeeper.yml"
TESTS = ROOT / "tests" / "deploy" / "alerts" / "turnkeeper.yml"

GRAFANA = {"$__rate_interval": "1m", "$__range": "6h", "$form": "claim"}
"""What Grafana fills in before Prometheus sees an expression."""
PROMTOOL = "apt-get install prometheus"
METRIC = re.compile(r"\b(?:turnkeeper|temporal)_\w+")
PARTS = re.compile(r"_(?:bucket|sum|count)$")
SDK_SUFFIX = re.compile(r"(_seconds)?(_total)?$")


def panels(board: Path) -> Iterator[dict[str, Any]]:
    yield from json.loads(board.read_text())["panels"]


def targets() -> dict[str, dict[str, Any]]:
    """Of every panel, by where it is."""
    return {
        f"{board.stem}: {panel['title']} {target['refId']}": target
        for board in BOARDS
        for panel in panels(board)
        for target in panel.get("targets", ())
    }


def expressions() -> dict[str, str]:
    return {where: target["expr"] for where, target in targets().items()}


def filled(expression: str) -> str:
    """As Grafana sends it to Prometheus."""
    for variable, value in GRAFANA.items():
        expression = expression.replace(variable, value)
    return expression


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def named(expression: str) -> set[str]:
    """The metrics in an expression, a histogram's without the parts of its series."""
    return {PARTS.sub("", name) for name in METRIC.findall(expression)}


def test_the_dashboards_are_what_the_script_makes() -> None:
    assert run(sys.executable, "scripts/dashboards", "--check").ok() == ""


def test_every_expression_of_a_dashboard_is_one_to_prometheus(tmp_path: Path) -> None:
    rules = []
    for number, expression in enumerate(expressions().values()):
        rules.append({"record": f"panel:{number}", "expr": filled(expression)})
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert (
        f"{len(rules)} rules found"
        in run(tool("promtool", install=PROMTOOL), "check", "rules", file).ok()
    )


@pytest.mark.parametrize("where", [*expressions(), *(alert["alert"] for alert in alerts())])
def test_every_metric_that_is_named_exists(where: str) -> None:
    """Ours in the table of instruments, the SDK's in its core."""
    of_alerts = {alert["alert"]: alert["expr"] for alert in alerts()}
    ours = {instrument.series for instrument in INSTRUMENTS}
    names = named((expressions() | of_alerts)[where])
    sdk = {name for name in names if name.startswith("temporal_")}
    assert names - sdk <= ours
    for name in sdk:
        bare = SDK_SUFFIX.sub("", name.removeprefix("temporal_"))
        assert bare.encode() in core(), name


def core() -> bytes:
    """The Temporal SDK's core, in which the names of its metrics are."""
    if not _core:
        [library] = (Path(temporalio.__file__).parent / "bridge").glob("temporal_sdk_bridge*.so")
        _core.append(library.read_bytes())
    return _core[0]


_core: list[bytes] = []


def test_every_metric_of_ours_is_on_a_dashboard() -> None:
    shown = set().union(*(named(expression) for expression in expressions().values()))
    assert {instrument.series for instrument in INSTRUMENTS} <= shown


def test_labels_that_are_asked_for_are_those_of_the_metric() -> None:
    by_series = {one.series: {*one.labels, "le", "instance"} for one in INSTRUMENTS}
    for where, expression in expressions().items():
        asked = set(re.findall(r"(\w+)=~?\"", expression))
        for group in re.findall(r" by \(([^)]*)\)", expression):
            asked |= {label.strip() for label in group.split(",")}
        for name in named(expression) & by_series.keys():
            assert asked <= by_series[name], where


def test_a_legend_names_labels_that_its_expression_keeps() -> None:
    for where, target in targets().items():
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        kept = re.search(r" by \(([^)]*)\)", target["expr"])
        assert named <= set(kept.group(1).split(", ") if kept else ()), where


RARE = """
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - series: turnkeeper_legs_hung_up_total{form="claim",field="policy",instance="worker-1"}
        values: _x1500 1x100
      - series: turnkeeper_legs_hung_up_total{form="claim",field="policy",instance="worker-2"}
        values: 7x1600
      - series: turnkeeper_legs_hung_up_total{form="claim",field="day",instance="worker-2"}
        values: 3x1600
    promql_expr_test:
      - expr: EXPRESSION
        eval_time: 6h30m
        exp_samples:
          - {labels: '{form="claim",field="policy"}', value: 1}
"""
"""Six hours are shown: in them one caller hung up, after seven and three of earlier days."""


def test_the_funnel_shows_what_happened_once_and_nothing_that_did_not_happen(
    tmp_path: Path,
) -> None:
    [hung_up] = [
        expression
        for where, expression in expressions().items()
        if "From question" in where and "hung_up" in expression
    ]
    file = tmp_path / "rare.yml"
    file.write_text(RARE.replace("EXPRESSION", json.dumps(filled(hung_up))))
    assert "SUCCESS" in run(tool("promtool", install=PROMTOOL), "test", "rules", file).ok()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_panels_do_not_overlap_and_fit_the_page(board: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(board):
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_prometheus_takes_the_alerts_and_each_fires_when_it_should_and_not_before() -> None:
    promtool = tool("promtool", install=PROMTOOL)
    assert f"{len(alerts())} rules found" in run(promtool, "check", "rules", RULES).ok()
    assert "SUCCESS" in run(promtool, "test", "rules", TESTS).ok()


def test_each_alert_has_a_test_that_sees_it_silent_and_sees_it_fire() -> None:
    seen = {
        (check["alertname"], bool(check.get("exp_alerts")))
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for check in test["alert_rule_test"]
    }
    assert seen == {(alert["alert"], fires) for alert in alerts() for fires in (True, False)}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_each_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert anchor == alert["alert"].lower()
    headings = re.findall(r"^#+ (\w+)$", (ROOT / page).read_text(), flags=re.MULTILINE)
    assert alert["alert"] in headings
