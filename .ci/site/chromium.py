"""A built site served on this machine, and a Chromium that may reach nothing else."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlsplit

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

FACTS = (Path(__file__).parent / "facts.js").read_text(encoding="utf-8")
WIDTHS = {"desktop": 1280, "phone": 390}
THEMES = ("light", "dark")
FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage
    --no-first-run --disable-background-networking --disable-component-update --disable-sync
    --autoplay-policy=no-user-gesture-required
"""


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # one connection serves a whole page

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def start(profile: Path) -> Iterator[Chrome]:
    """Start Debian's Chromium with an empty profile, everything it does being logged."""
    options = ChromeOptions()
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    paths = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise FileNotFoundError(f"{missing} not found: apt-get install chromium chromium-driver")
    options.binary_location = paths["chromium"]
    browser = Chrome(options, ChromeService(paths["chromedriver"]))  # a given path: no download
    try:
        yield browser
    finally:
        browser.quit()


def _ask(browser: Chrome, part: str, argument: str = "") -> Any:
    return browser.execute_script(FACTS, part, argument)


def _resize(browser: Chrome, width: int) -> None:
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def traffic(browser: Chrome) -> dict[str, list[str]]:
    """Return what was asked for since the last call, what failed and what was complained of."""
    asked, failed = {}, []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        event = message["params"]
        if message["method"] == "Network.requestWillBeSent":
            if event["documentURL"].startswith("http"):  # not Chromium's own first tab
                asked[event["requestId"]] = event["request"]["url"]
        elif event.get("requestId") not in asked:
            continue
        elif message["method"] == "Network.responseReceived" and event["response"]["status"] >= 400:
            failed.append(f"{event['response']['status']} {event['response']['url']}")
        elif message["method"] == "Network.loadingFailed" and not event.get("canceled"):
            failed.append(f"{event['errorText']} {asked[event['requestId']]}")
    errors = [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    urls = [url for url in asked.values() if not url.startswith(("data:", "blob:"))]
    return {"asked": urls, "failed": failed, "errors": errors}


def visit(browser: Chrome, url: str) -> dict[str, Any]:
    """Open one page at both widths and in both themes, and return the facts of it."""
    _resize(browser, WIDTHS["desktop"])
    browser.get(url)
    facts = _ask(browser, "content")
    facts["contrast"] = {theme: _ask(browser, "contrasts", theme) for theme in THEMES}
    facts["layout"] = {}
    for name, width in WIDTHS.items():
        _resize(browser, width)
        facts["layout"][name] = _ask(browser, "layout")
    facts["heard"] = _ask(browser, "players") if facts["players"] else []
    return facts | traffic(browser)


def is_there(url: str) -> bool:
    """Say whether the server has such a file."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD")):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return False


def crawl(browser: Chrome, home: str, first: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Visit every page that links lead to from the first ones; the keys are its paths."""
    pages: dict[str, dict[str, Any]] = {}
    queue = list(first)
    while queue:
        page = queue.pop()
        if page in pages or not is_there(home + page):
            continue
        pages[page] = visit(browser, home + page)
        for link in pages[page]["links"]:
            url = urldefrag(link).url
            if url.startswith(home) and urlsplit(url).path.endswith((".html", "/")):
                queue.append(url.removeprefix(home).partition("?")[0])
    return pages
