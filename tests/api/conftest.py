"""Browsers of people who use the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from footfall.accounts.model import Account
from tests.support.counting import TODAY, Counting
from tests.support.dashboard import Visit, enter, make_account
from tests.support.inside import Inside
from tests.support.told import Told, tell
from tests.support.word import watched


@pytest.fixture(scope="module", autouse=True)
def word() -> Iterator[None]:
    """What the tests of a module do leaves word of it for the columns."""
    with watched() as untold:
        yield
    assert not untold, f"written without word for the columns: {sorted(set(untold))}"


@pytest.fixture
def visits(shared_server: Inside) -> Iterator[Callable[..., Visit]]:
    made: list[Visit] = []

    def make(url: str = "", **headers: str) -> Visit:
        made.append(
            Visit(url or shared_server.url, {name.replace("_", "-"): text for name, text in headers.items()})
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def visit(visits: Callable[..., Visit]) -> Visit:
    """A browser without a session."""
    return visits()


@pytest.fixture(scope="module")
def account(shared_server: Inside) -> Account:
    return make_account(shared_server.place)


@pytest.fixture
def inside(visit: Visit, shared_server: Inside, account: Account) -> Visit:
    """A browser with a session."""
    enter(visit, shared_server.place, account)
    return visit


@pytest.fixture(scope="module")
def told(numbers: Counting) -> Told:
    """A website to which a story happened."""
    return tell(numbers)


@pytest.fixture(scope="module")
def reader(numbers: Counting) -> Account:
    """Whoever looks at the pages of that server."""
    return make_account(numbers.columns.place, at=TODAY)


@pytest.fixture
def browser(numbers: Counting, told: Told, reader: Account) -> Iterator[Visit]:
    """A browser with a session, at the end of the story."""
    numbers.clock.now = told.now
    visit = Visit(told.site.url)
    enter(visit, numbers.columns.place, reader, told.now)
    yield visit
    visit.close()
