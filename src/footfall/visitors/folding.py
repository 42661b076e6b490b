"""Folds filter values into the form in which they are stored and compared, so that case and blanks make no difference. Pure."""

from __future__ import annotations

from functools import lru_cache

from footfall.collect.enrich.countries import COUNTRIES


@lru_cache(4096)
def folded(text: str) -> str:
    """`text` without case and blanks: `Mac OS` and `macos` are the same."""
    return "".join(text.split()).casefold()


@lru_cache(4096)
def folded_referrer(text: str) -> str:
    """A referrer as `host/path`, or an address typed in: without scheme, `www.`, case, and the slash of an empty path."""
    bare = folded(text).removeprefix("https://").removeprefix("http://").removeprefix("www.")
    return bare.removesuffix("/") if bare.count("/") == 1 else bare


def country_code(text: str) -> str:
    """The folded code of a country given by code or English name; for an unknown one, the folded text."""
    return _CODES.get(folded(text), folded(text))


_CODES = {folded(name): folded(code) for code, name in COUNTRIES.items()}
