"""Every page of the built site, as Chromium shows it on a desktop and on a phone."""

from __future__ import annotations

import checks
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait


def test_every_page_that_was_built_can_be_reached(pages, folder):
    built = {str(path.relative_to(folder)) for path in folder.rglob("*.html")}
    assert sorted(set(pages) ^ built) == []


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_nothing_is_wrong_with_any_page(pages, home, check):
    assert list(check(pages, home)) == []


def test_there_are_pages_figures_and_both_themes_to_judge(pages):
    assert len(pages) > 100
    shown = [len(page["layout"]["desktop"]["figures"]) for page in pages.values()]
    assert sum(shown) > 5
    assert sum(len(page["heard"]) for page in pages.values()) == 5  # the players of plot_listen
    assert all(page["contrast"]["dark"] for page in pages.values())
    index = pages["index.html"]
    assert index["layout"]["phone"]["viewport"] == 390
    assert index["contrast"]["dark"] != index["contrast"]["light"]


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("checkpoint", "reliability.html"),
        ("LogMel", "generated/mvdisent.audio.LogMel.html"),
        ("changelog", "changelog.html"),
        ("pair_by", "generated/mvdisent.views.pair_by.html"),
    ],
)
def test_the_search_box_finds(browser, home, words, page):
    browser.get(home + "index.html")
    browser.find_element(By.CSS_SELECTOR, "input.sidebar-search").send_keys(words, Keys.ENTER)
    results = WebDriverWait(browser, 20).until(_results)
    assert page in [url.removeprefix(home).partition("#")[0] for url in results][:5]


def _results(browser):
    if "/search.html" not in browser.current_url:
        return None
    if not browser.find_elements(By.CSS_SELECTOR, "#search-results p.search-summary"):
        return None
    if browser.find_element(By.CSS_SELECTOR, "#search-results p.search-summary").text == "":
        return None
    found = browser.find_elements(By.CSS_SELECTOR, "#search-results ul.search > li > a")
    return [link.get_attribute("href").partition("?")[0] for link in found]
