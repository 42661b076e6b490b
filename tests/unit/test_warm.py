"""What the first user agent, or the first filter, of a process needs is there before the server is ready."""

from __future__ import annotations

import asyncio
from pathlib import Path

from footfall.app import App
from footfall.collect.enrich import bots, device
from footfall.people.find import terms
from footfall.settings import Settings


def test_a_server_that_is_ready_has_its_tables_of_user_agents_and_letters(tmp_path: Path) -> None:
    device._resolver.cache_clear()
    device._browser_device.cache_clear()
    bots._crawlers.cache_clear()
    bots._bot_kind.cache_clear()
    terms._cases.cache_clear()
    terms._one_case.cache_clear()

    async def start() -> None:
        async with App(Settings(data=tmp_path)).running():
            assert device._resolver.cache_info().currsize == bots._crawlers.cache_info().currsize == 1
            assert terms._cases.cache_info().currsize == terms._one_case.cache_info().currsize == 1

    asyncio.run(start())
