"""What must hold of the pages that ``chromium.crawl`` visited.

Each check takes the facts of the pages and the address of the site, and yields what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

from chromium import is_there

Pages = Mapping[str, Mapping[str, Any]]

LEAST_CONTRAST = 4.5  # WCAG 2.2, level AA, for text of usual size
LEAST_SCALE = {"desktop": 0.5, "phone": 0.0}  # of a figure's own width
LEAST_SHARE = 0.95  # of the text's width, where a figure is shown smaller than it is
# Where the pages may lead. A new host is a decision, a misspelt one is found.
HOSTS = {
    "arxiv.org",
    "docs.dask.org",
    "docs.ray.io",
    "en.wikipedia.org",
    "github.com",
    "joblib.readthedocs.io",
    "librosa.org",
    "optuna.org",
    "pytorch.org",
    "scikit-learn.org",
    "skorch.readthedocs.io",
}


def overflow(pages: Pages, home: str) -> Iterator[str]:
    """Find what is wider than the page and in no box that scrolls by itself."""
    for name, page in pages.items():
        for screen, layout in page["layout"].items():
            if layout["page"] > layout["viewport"]:
                yield f"{name}, {screen}: the page is {layout['page']} px wide"
            yield from (f"{name}, {screen}: {part} sticks out" for part in layout["wide"])


def figures(pages: Pages, home: str) -> Iterator[str]:
    """Find figures that did not load, or are smaller than they and the text are wide."""
    for name, page in pages.items():
        for screen, layout in page["layout"].items():
            for figure in layout["figures"]:
                shown, natural = figure["shown"], figure["natural"]
                where = f"{name}, {screen}: {figure['name']} of {natural} px is {shown:.0f} px wide"
                if figure["thumbnail"] and natural > 0:
                    continue
                if natural == 0 or shown < LEAST_SCALE[screen] * natural:
                    yield where
                elif shown < LEAST_SHARE * min(natural, figure["room"]):
                    yield f"{where}, the text {figure['room']:.0f} px"


def alt_texts(pages: Pages, home: str) -> Iterator[str]:
    """Find images that do not say in words what they show."""
    for name, page in pages.items():
        yield from (f"{name}: {image} has no alt text" for image in page["no_alt"])


def traffic(pages: Pages, home: str) -> Iterator[str]:
    """Find what a page asks of another site, what it asks for in vain, and its errors."""
    for name, page in pages.items():
        yield from (f"{name}: asks {url}" for url in page["asked"] if not url.startswith(home))
        yield from (f"{name}: {failure}" for failure in page["failed"] + page["errors"])


def contrast(pages: Pages, home: str) -> Iterator[str]:
    """Find text that hardly differs from what is behind it, in light or in dark."""
    for name, page in pages.items():
        for theme, ratios in page["contrast"].items():
            for part, ratio in ratios.items():
                if ratio < LEAST_CONTRAST:
                    yield f"{name}, {theme}: {part} has a contrast of {ratio:.1f}"


def players(pages: Pages, home: str) -> Iterator[str]:
    """Find players without buttons or length, or that do not play."""
    for name, page in pages.items():
        for heard in page["heard"]:
            if not (heard["controls"] and heard["duration"] > 0 and heard["state"] == "played"):
                yield f"{name}: {heard}"


def inner_links(pages: Pages, home: str) -> Iterator[str]:
    """Find links within the site to a file, or to a place in it, that is not there."""
    found: dict[str, bool] = {}
    for name, page in pages.items():
        for link in page["links"]:
            url, anchor = urldefrag(link)
            if not url.startswith(home):
                continue
            target = urlsplit(url).path.removeprefix("/")
            if target not in pages and not found.setdefault(url, is_there(url)):
                yield f"{name}: {link} is not there"
            elif anchor and unquote(anchor) not in pages.get(target, page)["ids"]:
                yield f"{name}: {link} has no such place"


def outer_links(pages: Pages, home: str) -> Iterator[str]:
    """Find links out of the site that are not https, or lead to a host that is not known."""
    for name, page in pages.items():
        for link in page["links"]:
            parts = urlsplit(link)
            known = parts.scheme == "https" and parts.netloc in HOSTS
            if not (link.startswith(home) or known or parts.scheme == "javascript"):
                yield f"{name}: {link} is not https to a host of checks.HOSTS"


ALL = (overflow, figures, alt_texts, traffic, contrast, players, inner_links, outer_links)
