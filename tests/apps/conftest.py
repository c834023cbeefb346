"""A real Chromium for the tests marked ``browser``; ``FUNDUSGEN_CHROMIUM`` names it where it is not on the path."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'monai-fundusgen[browser]'")
    found = os.environ.get("FUNDUSGEN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs a browser of the system, which pip cannot install: apt-get install chromium")
    with playwright.sync_playwright() as program:
        browser = program.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Faults(list):
    """What a page complained of: errors of scripts, refusals of the content policy, anything asked for elsewhere."""

    def watch(self, page):
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("console", lambda line: self.append(line.text) if "Content Security" in line.text else None)
        page.on("request", lambda asked: self.append(asked.url) if not asked.url.startswith(self.ours) else None)
        return page

    ours = ("http://127.0.0.1:", "file://", "data:", "blob:")


@pytest.fixture
def new_context(chromium):
    """Makes browser windows that share nothing; a test fails where a page in one of them complained."""
    made, faults = [], Faults()

    def make():
        window = chromium.new_context(viewport={"width": 1280, "height": 800})
        window.on("page", faults.watch)
        window.set_default_timeout(20_000)
        made.append(window)
        return window

    yield make
    for window in made:
        window.close()
    assert faults == []


@pytest.fixture
def context(new_context):
    """A browser window."""
    return new_context()
