"""What the first user agent, filter or page of a process needs is there before the server is ready."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import CodeType

import jinja2
import pytest

from footfall.app import App
from footfall.collect.enrich import bots, device
from footfall.dashboard import rendering
from footfall.people.find import terms
from footfall.settings import Settings


def test_a_server_that_is_ready_has_its_tables_of_user_agents_letters_and_templates(tmp_path: Path) -> None:
    device._resolver.cache_clear()
    device._browser_device.cache_clear()
    bots._crawlers.cache_clear()
    bots._bot_kind.cache_clear()
    terms._cases.cache_clear()
    terms._one_case.cache_clear()
    rendering.static_files.cache_clear()
    rendering.environment.cache_clear()

    async def start() -> None:
        async with App(Settings(data=tmp_path)).running():
            assert device._resolver.cache_info().currsize == bots._crawlers.cache_info().currsize == 1
            assert terms._cases.cache_info().currsize == terms._one_case.cache_info().currsize == 1
            made, sizes = rendering.environment(), rendering.static_files.cache_info()
            assert made.cache is not None
            assert (len(made.cache), sizes.currsize) == (len(made.list_templates()), 1)

    asyncio.run(start())


class _Counting(jinja2.Environment):
    """Counts what it compiles."""

    compiled = 0

    def _compile(self, source: str, filename: str) -> CodeType:
        self.compiled += 1
        return super()._compile(source, filename)


def compiled_by(folder: Path) -> int:
    """How many templates an environment that is new, with one template, compiles to use it."""
    kept = rendering._CompiledTemplates()
    kept.directory = str(folder)
    made = _Counting(loader=jinja2.DictLoader({"one": "{{ 6 * 7 }}"}), bytecode_cache=kept)
    assert made.get_template("one").render() == "42"
    return made.compiled


def test_templates_are_compiled_once_by_each_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kept"
    assert [compiled_by(folder), compiled_by(folder)] == [1, 0]
    monkeypatch.setattr(jinja2, "__version__", "other")
    assert [compiled_by(folder), compiled_by(folder)] == [1, 0]
    monkeypatch.setattr(rendering, "__version__", "other")
    assert [compiled_by(folder), compiled_by(folder)] == [1, 0]


def test_templates_work_where_nothing_can_be_kept(tmp_path: Path) -> None:
    folder = tmp_path / "missing" / "folder"
    assert [compiled_by(folder), compiled_by(folder)] == [1, 1]
