"""The packages: a wheel holds all that is needed, installed where nothing else of Footfall is, and the source gives the same wheel."""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from footfall import __version__
from tests.support.engines import Place
from tests.support.servers import RunningServer

ON_ENGINES = ["sqlite"]
ROOT = Path(__file__).parents[2]
OURS = ("README.md", "CHANGELOG.md", "ARCHITECTURE.md", "LICENSE", "CONTRIBUTING.md", "SECURITY.md")


def build(source: Path, target: Path, kind: str) -> Path:
    """The package of a kind, built from a source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (made,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as packed:
        return set(packed.namelist())


def test_the_source_package_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build(ROOT, tmp_path, "sdist")) as packed:
        packed.extractall(tmp_path, filter="data")
    source = tmp_path / f"footfall-{__version__}"
    assert {name for name in OURS if not (source / name).exists()} == set()
    assert names(build(source, tmp_path / "again", "wheel")) == names(wheel)


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "src/footfall"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert {name.removeprefix("src/") for name in tracked.stdout.split()} <= names(wheel)


def install(wheel: Path, folder: Path) -> Path:
    """The command, in an environment that has the wheel and what it depends on, and neither the source tree nor what tests need to find it."""
    venv.create(folder, symlinks=True, with_pip=False)
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(packages)
    # Dependencies are found where the tests have them; a .pth file there, such as that of the source tree, is not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    entry = next(packages.glob("*.dist-info/entry_points.txt")).read_text()
    module, _, function = entry.split("footfall = ")[1].split()[0].partition(":")
    command = folder / "bin" / "footfall"
    command.write_text(f"#!{folder / 'bin' / 'python'}\nfrom {module} import {function}\n\n{function}()\n")
    command.chmod(0o700)
    return command


def test_an_installed_wheel_does_the_main_job(
    wheel: Path, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first start prints works as printed, pages and scripts are there, and all of it comes from the wheel."""
    command = install(wheel, tmp_path / "environment")
    monkeypatch.chdir(tmp_path)
    version = subprocess.run([command, "--version"], check=True, capture_output=True, text=True)
    assert __version__ in version.stdout
    where = subprocess.run(
        [command.with_name("python"), "-c", "import footfall; print(footfall.__file__)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert where.stdout.startswith(str(tmp_path))
    server = RunningServer(place, {}, program=[command])
    try:
        assert server.process.stdout is not None
        said: list[str] = []
        while not said or not said[-1].startswith("API reference"):
            said.append(server.process.stdout.readline())
        lines = [line.strip() for line in said if line.strip().startswith("curl ")]
        assert len(lines) == 3
        answers = [
            subprocess.run(shlex.split(line), check=True, capture_output=True, text=True).stdout
            for line in lines
        ]
        assert '"name":"Ada"' in answers[-1]
        for path in ("/login", "/docs", "/js/script.js"):
            assert httpx.get(server.url + path, follow_redirects=True).status_code == 200
    finally:
        server.stop()
    server.check_log()
