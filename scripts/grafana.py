"""A dashboard of ours as the JSON that Grafana provisions: for scripts/dashboards.

Field names and defaults are those of Grafana 13's dashboard schema and of its panels time series,
stat and table.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH = 24
"""Of a dashboard, in Grafana's columns."""
HEIGHTS = {"timeseries": 8, "table": 22}
"""Of a panel, in Grafana's rows; of all others 4."""
COLUMNS = {"timeseries": 2, "table": 1}
"""Of a row of such panels; all others stand side by side."""

PER_MINUTE = "suffix:/min"
"""A unit: callers come by the minute, not by the second."""

Kind = Literal["timeseries", "stat", "number", "names", "table"]
ONCE = frozenset({"number", "names", "table"})
"""Asked once, for the end of the time that is shown; the others are asked for all of it."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: `queries` are pairs of a legend and an expression; a table has a column of each.

    `red_from` and `red_below` are limits. `none` is shown where there is no series: of troubles,
    that there were none. On a `log` scale 10 ms can be read beside 10 s.
    """

    title: str
    about: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: Kind = "timeseries"
    red_from: float | None = None
    red_below: float | None = None
    none: str | None = None
    log: bool = False


Row = tuple[str, tuple[Panel, ...]]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One file: its rows, and the labels that can be chosen at the top, each with a metric."""

    uid: str
    title: str
    rows: tuple[Row, ...]
    choices: tuple[tuple[str, str], ...] = ()


def as_json(dashboard: Dashboard) -> str:
    """The file that Grafana provisions."""
    made = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["turnkeeper"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_choice(*choice) for choice in dashboard.choices]},
        "panels": list(_panels(dashboard)),
    }
    return json.dumps(made, indent=2) + "\n"


def _choice(label: str, series: str) -> dict[str, Any]:
    query = f"label_values({series}, {label})"
    return {
        "name": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "A"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for title, panels in dashboard.rows:
        number += 1
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}}  # fmt: skip
        top += 1
        kind = panels[0].kind
        across, height = COLUMNS.get(kind, len(panels)), HEIGHTS.get(kind, 4)
        width = WIDTH // across
        for index, panel in enumerate(panels):
            number += 1
            x, y = index % across * width, top + index // across * height
            at = {"x": x, "y": y, "w": width, "h": height}
            yield {"id": number, "gridPos": at, **_panel(panel)}
        top += -(-len(panels) // across) * height


def _panel(panel: Panel) -> dict[str, Any]:
    once = panel.kind in ONCE
    shape = "table" if panel.kind == "table" else "time_series"
    made = {
        "type": _TYPES.get(panel.kind, panel.kind),
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "targets": [
            {"refId": _letter(index), "datasource": SOURCE, "expr": expression, "format": shape,
             "legendFormat": legend or "__auto", "instant": once, "range": not once}
            for index, (legend, expression) in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _OPTIONS[panel.kind],
    }  # fmt: skip
    return made | ({"transformations": _joined(panel)} if panel.kind == "table" else {})


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "min": None if panel.log else 0,
        "decimals": 0 if panel.kind in ONCE else None,
        "thresholds": {"mode": "absolute", "steps": _steps(panel)},
        "custom": _drawn(panel) if panel.kind == "timeseries" else {},
    }
    if panel.none is not None:
        defaults["noValue"] = panel.none
    if panel.none is not None and panel.kind == "timeseries":
        defaults["color"] = {"mode": "shades", "fixedColor": "red"}
    return defaults


def _steps(panel: Panel) -> list[dict[str, Any]]:
    """What is never wrong has the text's colour: green is for what was found well."""
    if panel.red_below is not None:
        return [{"color": "red", "value": None}, {"color": "green", "value": panel.red_below}]
    if panel.red_from is not None:
        return [{"color": "green", "value": None}, {"color": "red", "value": panel.red_from}]
    return [{"color": "text", "value": None}]


def _drawn(panel: Panel) -> dict[str, Any]:
    return {
        "fillOpacity": 0 if panel.log else 10,
        "showPoints": "never",
        "thresholdsStyle": {"mode": "off" if panel.red_from is None else "dashed"},
        "scaleDistribution": {"type": "log", "log": 10} if panel.log else {"type": "linear"},
    }


_COLORS = {
    "green": ("accepted", "hit", "completed", "delivered", "p50"),
    "blue": ("miss", "begun", "duplicate"),
    "yellow": ("stale", "cancelled", "superseded", "p95"),
    "purple": ("conflict", "closed", "expired", "erased"),
    "orange": ("abandoned", "failed", "p99"),
    "red": ("error", "refused", "unavailable"),
}
"""Of series, by their legend: the same whatever else there is. Others get Grafana's palette."""


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    if panel.kind == "table":
        return [
            _of_column("Form", **{"custom.width": 170}),
            _of_column("Field", **{"custom.width": 190}),
            _bars_in("Asked"),
            _bars_in("Answered"),
            _colored("Reprompts", 0.5, 1),
        ]
    if panel.kind != "timeseries":
        return []
    return [
        {"matcher": {"id": "byRegexp", "options": f"/^({'|'.join(names)})$/"},
         "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}]}
        for color, names in _COLORS.items()
    ]  # fmt: skip


def _of_column(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def _bars_in(column: str) -> dict[str, Any]:
    blue = {"mode": "fixed", "fixedColor": "blue"}
    cell = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    return _of_column(column, **{"custom.cellOptions": cell, "color": blue, "custom.width": 200})


def _colored(column: str, yellow: float, red: float) -> dict[str, Any]:
    steps = [{"color": "text", "value": None}, {"color": "yellow", "value": yellow},
             {"color": "red", "value": red}]  # fmt: skip
    properties = {
        "decimals": 2,
        "thresholds": {"mode": "absolute", "steps": steps},
        "custom.cellOptions": {"type": "color-text"},
    }
    return _of_column(column, **properties)


def _joined(panel: Panel) -> list[dict[str, Any]]:
    """One row for all labels that are the same, a column for each query."""
    names = [legend for legend, _ in panel.queries]
    values = {f"Value #{_letter(index)}": name for index, name in enumerate(names)}
    named = {"form": "Form", "field": "Field", **values}
    order = {name: index for index, name in enumerate(named)}
    organized = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": named}
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organized}]


_TYPES = {"number": "stat", "names": "stat"}
"""Grafana's panels, where their names are others."""

_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}

_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": _LAST, "colorMode": "value", "graphMode": "area"},
    "number": {"reduceOptions": _LAST, "colorMode": "value", "graphMode": "none"},
    "names": {
        "reduceOptions": _LAST,
        "colorMode": "background_solid",
        "graphMode": "none",
        "textMode": "name",
        "orientation": "horizontal",
        "text": {"valueSize": 14},
    },
    "table": {
        "cellHeight": "sm",
        "showHeader": True,
        "sortBy": [{"displayName": "Form"}, {"displayName": "Asked", "desc": True}],
    },
}
