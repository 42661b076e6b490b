"""What a long run calls wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.engines import Engine
from bench.servers import Load
from bench.soak import Soaked, SoakLook, faults, growth

ENGINE = Engine(NotImplemented, [], (Path(), ""), 1000)
CALM = SoakLook(100.0, 1000.0, 200e6, 5.0)


def soaked(looks: list[SoakLook], errors: int = 0, lines: int = 0) -> Soaked:
    """A run with these looks."""
    return Soaked(Load(1, 1, 1, 1, errors), [1.0], looks, lines)


def test_memory_may_grow_while_the_server_warms_up_and_no_more() -> None:
    warming = [CALM._replace(server=number + 50.0) for number in range(50)]
    assert faults(soaked(warming + [CALM] * 150), ENGINE) == []
    leaking = [CALM._replace(server=100 + number / 10) for number in range(200)]
    assert growth([one.server for one in leaking]) == pytest.approx(1.09, abs=0.01)
    assert len(faults(soaked(leaking), ENGINE)) == 1


@pytest.mark.parametrize("change", [{"log": 1001.0}, {"columns": 800e6}, {"lag": 10_001.0}])
def test_one_look_that_is_too_much_is_a_fault(change: dict[str, float]) -> None:
    assert len(faults(soaked([CALM] * 50 + [CALM._replace(**change)]), ENGINE)) == 1


def test_a_failed_call_and_a_long_log_are_faults() -> None:
    assert len(faults(soaked([CALM], errors=1, lines=2_000_000), ENGINE)) == 2
