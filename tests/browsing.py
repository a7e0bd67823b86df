"""A page in a browser: what it complains of, what it asks the network for, and its table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page


@contextmanager
def opened(browser: Browser, path: Path, **context: Any) -> Iterator[Page]:
    """The page at a path, its table filled; at the end it must have had no fault and asked for no host."""
    faults: list[str] = []
    asked: list[str] = []
    with browser.new_context(**context) as made:
        page = made.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.absolute().as_uri())
        page.wait_for_selector("#table tbody tr")
        yield page
    assert faults == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)


def count(page: Page) -> int:
    """How many utterances the filters leave."""
    return int(page.inner_text("#count").split()[0].replace(",", ""))


def column(page: Page, title: str) -> set[str]:
    """What the rows in sight say in a column."""
    return set(page.locator(f'#table tbody td[data-title="{title}"]').all_inner_texts())


def heard(page: Page) -> float:
    """Seconds that the player has played, once it plays."""
    page.wait_for_function("() => document.getElementById('player').currentTime > 0.05")
    return float(page.evaluate("document.getElementById('player').currentTime"))
