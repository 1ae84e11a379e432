"""Make the pictures of the pages: the HTML report of the example shop, in a real browser.

    python docs/pictures.py

Needs Chromium and its driver, and what the tests need (`.[test]`). Measures the shop of the
examples first, which takes a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHOP = "examples.shop.main:app"
READ = "GET /orders/{i}"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, and how it is taken."""

    name: str
    page: str
    """Whose: `run` or `session`."""
    width: int
    height: int
    dark: bool = False
    top: str = ""
    """The heading that it begins with; empty: the page's first line."""


PICTURES = (
    Picture("report-light.png", "run", 960, 900),
    Picture("report-dark.png", "run", 960, 760, dark=True, top="Allocated at"),
    Picture("report-phone.png", "run", 390, 844),
    Picture("report-session.png", "session", 960, 560),
)


def measure(folder: Path) -> dict[str, Path]:
    """Measure the shop, and render the pages: of one run, and of several."""
    stored = {}
    for name in ("models", "signatures", "clean"):
        stored[name] = folder / f"{name}.json"
        leaks = "" if name == "clean" else name
        _reqleak("check", SHOP, READ, "-q", "--json", str(stored[name]), leaks=leaks)
    pages = {"run": folder / "run.html", "session": folder / "session.html"}
    _reqleak("report", str(stored["models"]), "-q", "--html", str(pages["run"]))
    _reqleak("report", *map(str, stored.values()), "-q", "--html", str(pages["session"]))
    return pages


def _reqleak(*arguments: str, leaks: str = "") -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_reqleak", *arguments],
        cwd=PROJECT,
        env={**os.environ, "SHOP_LEAKS": leaks},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"reqleak {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium without a window."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    program, driver = next(filter(None, map(shutil.which, BROWSERS)), None), shutil.which("chromedriver")
    if program is None or driver is None:
        raise SystemExit(f"pictures need one of {', '.join(BROWSERS)}, and chromedriver")
    options = Options()
    options.binary_location = program
    arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    # Chromium refuses to shut root into its sandbox.
    arguments += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    for argument in arguments:
        options.add_argument(argument)
    chromium = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield chromium
    finally:
        chromium.quit()


def take(chromium: Any, picture: Picture, page: Path, file: Path) -> None:
    """Show a page as the picture wants it, and keep what is seen."""
    size = {"width": picture.width, "height": picture.height, "deviceScaleFactor": 1}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if picture.dark else "light"}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "mobile": picture.width < 500})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    chromium.get(page.as_uri())
    if picture.top:
        heading = chromium.find_element("xpath", f"//h3[starts-with(normalize-space(), '{picture.top}')]")
        chromium.execute_script("arguments[0].scrollIntoView()", heading)
    file.write_bytes(chromium.get_screenshot_as_png())


def main() -> None:
    """Make all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        pages = measure(Path(folder))
        for picture in PICTURES:
            take(chromium, picture, pages[picture.page], FOLDER / picture.name)
            print(f"{picture.name}: {(FOLDER / picture.name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
