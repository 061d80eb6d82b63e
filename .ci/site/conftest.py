"""Where the built site is, and the browser that opens it."""

from __future__ import annotations

from pathlib import Path

import chromium
import pytest

ROOT = Path(__file__).parents[2]
# Links of the browser and of the search box lead to the last two, not links of the text.
FIRST = ("index.html", "genindex.html", "search.html")


def pytest_addoption(parser):
    built = ROOT / "docs" / "_build" / "html"
    parser.addoption("--site", type=Path, default=built, help="folder of the built site")


@pytest.fixture(scope="session")
def folder(request):
    return request.config.getoption("--site").resolve()


@pytest.fixture(scope="session")
def home(folder):
    """Return the address of the built site."""
    if not (folder / "index.html").is_file():
        raise FileNotFoundError(f"{folder}/index.html: build the site, or say --site")
    with chromium.serve(folder) as address:
        yield address


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    with chromium.start(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="session")
def pages(browser, home):
    """Return the facts of every page of the site."""
    return chromium.crawl(browser, home, FIRST)
