"""Debian's Chromium in two forms: the headless shell, and the whole of it.

The shell has the same pages, scripts, cookies and network, and takes a quarter of the time. It opens no window or tab by the
middle button, and keeps no page for the way back.
"""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

SHELL, WHOLE = "chromium-headless-shell", "chromium"


def launch(
    playwright: Playwright, *arguments: str, program: str = SHELL, left_out: list[str] | None = None
) -> Browser:
    """Start a browser, to be closed by the caller. `left_out`: which of Playwright's own arguments it does without."""
    path = shutil.which(program)
    assert path, f"make test installs Debian's {program}"
    return playwright.chromium.launch(
        executable_path=path, args=["--no-sandbox", *arguments], ignore_default_args=left_out
    )


def names_lead_to(port: int, *names: str) -> str:
    """The argument by which host names of these patterns lead to a port of this machine."""
    return "--host-resolver-rules=" + ", ".join(f"MAP {name} 127.0.0.1:{port}" for name in names)
