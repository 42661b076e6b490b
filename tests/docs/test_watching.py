"""The alert rules and the board of the guide ask for metrics that the server gives, in a language that Prometheus understands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api.test_watching import everything

WATCHING = Path(__file__).parents[2] / "docs" / "watching"
ALERTS = WATCHING / "alerts.yml"
BOARD = json.loads((WATCHING / "grafana.json").read_text("utf-8"))
PROMTOOL = (
    shutil.which("promtool", path=f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}") or ""
)
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian's prometheus)")
OTHERS = {"up", "process_cpu_seconds_total"}
"""What Prometheus itself, and the system, tell."""
FIRES = {
    "FootfallDown": ({'up{job="footfall"}': "0x60"}, "5m"),
    "FootfallErrors": ({'footfall_request_seconds_count{status="5xx",route="/login"}': "0+60x60"}, "20m"),
    "FootfallWritesRefused": ({'footfall_writes_refused_total{reason="full"}': "0+9x60"}, "20m"),
    "FootfallSlowCommits": (
        {
            'footfall_commit_seconds_bucket{le="0.5"}': "0x60",
            'footfall_commit_seconds_bucket{le="2.5"}': "0+9x60",
            'footfall_commit_seconds_bucket{le="+Inf"}': "0+9x60",
        },
        "30m",
    ),
    "FootfallPauses": (
        {
            'footfall_loop_pause_seconds_bucket{le="0.5"}': "0+9x60",
            "footfall_loop_pause_seconds_count": "0+19x60",
        },
        "30m",
    ),
    "FootfallLongLog": ({"footfall_log_bytes": "999999999x60"}, "30m"),
    "FootfallAnalyticsAway": ({"footfall_columns_up": "0x60"}, "30m"),
    "FootfallGuessedPasswords": ({"footfall_log_ins_refused_total": "0+9x60"}, "30m"),
}
"""For alerts, what makes each fire, and when."""


def asked_by_alerts() -> Iterator[str]:
    for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def asked_by_board() -> Iterator[str]:
    for panel in BOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def served() -> set[str]:
    """The names of all series."""
    return set(re.findall(r"^(\w+)[ {]", everything(), re.MULTILINE))


def promtool(*arguments: str | Path, given: str | None = None) -> str:
    done = subprocess.run(
        [PROMTOOL, *map(str, arguments)], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alerts_and_board_ask_for_what_the_server_gives() -> None:
    for text in (*asked_by_alerts(), *asked_by_board()):
        outside = re.sub(r'"[^"]*"|by \([^)]*\)', "", text)
        named = set(re.findall(r"\b(?:footfall|process)_\w+", outside)) | ({"up"} & {outside[:2]})
        assert named, text
        assert named <= served() | OTHERS, text


@needs_promtool
def test_prometheus_understands_the_alerts_and_the_board(tmp_path: Path) -> None:
    assert "SUCCESS" in promtool("check", "rules", ALERTS)
    known = {"$__rate_interval": "5m", "$instance": ".*"}
    rules = [
        {"record": f"board:{n}", "expr": _filled(text, known)} for n, text in enumerate(asked_by_board())
    ]
    board = tmp_path / "board.yml"
    board.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}), "utf-8")
    assert "SUCCESS" in promtool("check", "rules", board)


def _filled(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return text


@needs_promtool
def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    cases: list[dict[str, Any]] = []
    for name, (series, when) in FIRES.items():
        inputs = [{"series": one, "values": values} for one, values in series.items()]
        asked = {"expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})', "eval_time": when}
        wanted = {"exp_samples": [{"value": 1, "labels": "{}"}]}
        cases.append({"interval": "1m", "input_series": inputs, "promql_expr_test": [asked | wanted]})
    file = tmp_path / "test.yml"
    file.write_text(
        json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": cases}), "utf-8"
    )
    assert "SUCCESS" in promtool("test", "rules", file)


@needs_promtool
def test_prometheus_finds_nothing_wrong_with_the_metrics() -> None:
    ours = [line for line in everything().splitlines() if "process_" not in line]
    assert promtool("check", "metrics", given="\n".join(ours) + "\n") == ""
