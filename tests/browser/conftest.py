from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from sample_runs import HOME

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Any]:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip(f"no browser here: needs one of {', '.join(BROWSERS)}, and chromedriver")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Chromium refuses to shut root into its sandbox.
        options.add_argument("--no-sandbox")
    chromium = webdriver.Chrome(options=options, service=Service(driver))
    yield chromium
    chromium.quit()


@pytest.fixture
def show(_chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Render runs, open the page, and give the browser; nothing may have gone wrong on it in the end."""
    monkeypatch.setattr("pytest_reqleak.report.paths.working_folder", lambda: HOME)
    from pytest_reqleak.report.html import write_html

    def opened(
        runs: Sequence[Any],
        *,
        width: int = 1000,
        dark: bool = False,
        media: str = "screen",
        script: bool = True,
    ) -> Any:
        write_html(tmp_path / "page.html", runs)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        _chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        _chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
        _chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
        _chromium.get((tmp_path / "page.html").as_uri())
        return _chromium

    yield opened
    _chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert [] == _chromium.get_log("browser")
