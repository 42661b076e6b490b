"""What Footfall is installed with: the commands of the Dockerfile in a folder tree of their own, compose files, and the unit of systemd."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from footfall.settings import Settings, read_settings
from tests.support.engines import Place
from tests.support.servers import RunningServer

ON_ENGINES = ["sqlite"]
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = ["compose.yaml", "compose.postgres.yaml", "compose.clickhouse.yaml"]
HOME = "/opt/footfall"
"""Where the image and the unit have the program."""
MOST_EXPOSED = 2.0
"""What `systemd-analyze security` may say at most; 10 is a service without any bounds."""
ROOTS = re.compile(r"^(useradd|install) ")
"""Commands that only root may run, on the image's own system."""


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile: each with what it says."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    return [
        (word, said)
        for word, _, said in (line.partition(" ") for line in text.splitlines())
        if word.isupper()
    ]


def ignored(folder: str, names: list[str]) -> set[str]:
    """What .dockerignore leaves out of the copy: all but the names that it lets in, at the top."""
    let_in = {
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").split() if line.startswith("!")
    }
    return {name for name in names if (Path(folder) == ROOT and name not in let_in) or name == "__pycache__"}


@pytest.mark.slow
def test_what_the_dockerfile_runs_makes_a_server_that_is_healthy_and_stops(
    place: Place, tmp_path: Path
) -> None:
    """The paths of the image are below a folder; its Python and its system are those of this machine."""
    home = tmp_path / HOME.strip("/")
    home.mkdir(parents=True)
    variables = {
        "REQUIREMENTS": "requirements.lock",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for word, said in instructions():
        if word == "COPY" and said == ". .":
            shutil.copytree(ROOT, home, ignore=ignored, dirs_exist_ok=True)
        elif word == "COPY" and not said.startswith("--from"):
            *names, _ = said.split()
            for name in names:
                shutil.copy(ROOT / name, home)
        elif word == "RUN" and not ROOTS.match(said):
            subprocess.run(
                ["sh", "-eu", "-c", said], cwd=home, env=variables, check=True, capture_output=True
            )
    compiled = list(home.rglob("*.template"))
    assert compiled
    assert all(path.stat().st_mode & stat.S_IROTH for path in compiled)
    program = home / ".venv" / "bin" / "footfall"
    server = RunningServer(place, {}, program=[program])
    try:
        check = next(said for word, said in instructions() if word == "HEALTHCHECK").partition("CMD ")[2]
        healthy = {"FOOTFALL_PORT": str(server.port), "PATH": f"{program.parent}:{os.environ['PATH']}"}
        assert subprocess.run(["sh", "-c", check], env=healthy, check=False).returncode == 0
        assert httpx.get(f"{server.url}/js/script.js").status_code == 200
    finally:
        code = server.stop(signal.SIGTERM)
    assert code == 0
    assert subprocess.run(["sh", "-c", check], env=healthy, check=False, capture_output=True).returncode == 1


def test_the_image_runs_as_a_user_that_can_write_its_volume_alone() -> None:
    said = dict(instructions())
    assert said["USER"] == "footfall"
    assert said["CMD"] == '["footfall", "serve"]'
    environment = dict(pair.split("=", 1) for pair in said["ENV"].split())
    environment.pop("PATH")
    settings = read_settings(environment)
    volume = Path(said["VOLUME"])
    assert volume in settings.data.parents
    assert volume in settings.key_file.parents
    assert settings.data not in settings.key_file.parents
    folders = next(text for word, text in instructions() if word == "RUN" and text.startswith("install"))
    assert f"{settings.data} {settings.key_file.parent}" in folders


def merged(names: list[str]) -> dict[str, Any]:
    """The services of some compose files; the settings of each add up."""
    services: dict[str, Any] = {}
    volumes: set[str] = set()
    for name in names:
        read = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
        volumes |= set(read.get("volumes", {}))
        for service, said in read["services"].items():
            had = services.setdefault(service, {})
            for key, value in said.items():
                before = had.get(key)
                both = isinstance(value, dict) and isinstance(before, dict)
                had[key] = {**before, **value} if both else value
    return {"services": services, "volumes": volumes}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_compose_files_fit_together(number: int) -> None:
    found = merged(COMPOSE[:number])
    services = found["services"]
    assert set(services) == set(["footfall", "migrate", "postgres", "clickhouse"][: [1, 3, 4][number - 1]])
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in found["volumes"]
        for variable in service["environment"]:
            setting = variable.removeprefix("FOOTFALL_").lower()
            assert not variable.startswith("FOOTFALL_") or setting in Settings.__struct_fields__, (
                name,
                variable,
            )
    used = {"postgres", "clickhouse"} & set(services)
    settings = services["footfall"]["environment"]
    hosts = {part for value in settings.values() for part in re.findall(r"@(\w+)", str(value))}
    assert hosts == used
    lock = services["footfall"]["build"]
    if "clickhouse" in used:
        text = (DEPLOY / lock["context"] / lock["args"]["REQUIREMENTS"]).read_text("utf-8")
        assert "clickhouse-connect==" in text


def test_the_unit_is_right_and_bounds_what_the_service_may_do(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    unit = tmp_path / "footfall.service"
    text = (DEPLOY / "footfall.service").read_text("utf-8")
    assert f"ExecStart={HOME}/.venv/bin/footfall serve" in text
    unit.write_text(text.replace(HOME, str(ROOT)).replace("User=footfall", "User=root"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, check=True
    )
    exposed = re.search(r"exposure level for footfall.service: ([\d.]+)", told.stdout)
    assert exposed is not None
    assert float(exposed[1]) <= MOST_EXPOSED
