"""What a failed browser test leaves in `test-output/failed/`: screenshots, console, the server's log."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Error, Page

__all__ = ["FAILED", "save_evidence", "watch_pages"]

FAILED = Path(__file__).resolve().parents[2] / "test-output" / "failed"
_LOG_BYTES = 200_000
_SCREENSHOT_MS = 5_000


@dataclass
class _Watched:
    context: BrowserContext
    logs: tuple[Path, ...]
    console: list[str] = field(default_factory=list)

    def add_page(self, page: Page) -> None:
        page.on("console", lambda message: self.console.append(f"{page.url}: {message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"{page.url}: pageerror: {error}"))


_watched: list[_Watched] = []


@contextlib.contextmanager
def watch_pages(context: BrowserContext, *logs: Path, test: str | None = None) -> Iterator[None]:
    """Record the console of every page of a browser context; save it all if the block raises.

    Args:
        context: The browser context; its present and future pages are watched.
        logs: Log files of the server and its kernels.
        test: The name under which a failure is saved; None saves only when :func:`save_evidence` is called.
    """
    watched = _Watched(context, logs)
    for page in context.pages:
        watched.add_page(page)
    context.on("page", watched.add_page)
    _watched.append(watched)
    try:
        yield
    except Exception:
        if test is not None:
            save_evidence(test)
        raise
    finally:
        context.remove_listener("page", watched.add_page)
        _watched.remove(watched)


def save_evidence(test: str) -> Path | None:
    """Save what all open pages show and said.

    Returns:
        The folder, or None if no page is open.
    """
    if not _watched:
        return None
    folder = FAILED / re.sub(r"[^\w.-]+", "_", test.removesuffix(" (call)").removesuffix(" (setup)")).strip("_")
    folder.mkdir(parents=True, exist_ok=True)
    for number, watched in enumerate(_watched):
        for at, page in enumerate(watched.context.pages):
            if page.url == "about:blank":  # what keeps a browser
                continue
            with contextlib.suppress(Error):  # a page that crashed or is closing has no picture
                page.screenshot(path=folder / f"page-{number}-{at}.png", timeout=_SCREENSHOT_MS)
        (folder / f"console-{number}.txt").write_text("\n".join(watched.console) + "\n", encoding="utf-8")
        for log in watched.logs:
            if log.exists():
                with log.open("rb") as source:
                    source.seek(max(0, log.stat().st_size - _LOG_BYTES))
                    with (folder / f"{number}-{log.name}").open("wb") as target:
                        shutil.copyfileobj(source, target)
    return folder
