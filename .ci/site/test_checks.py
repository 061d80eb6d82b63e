"""Each check finds its fault in a page that was broken on purpose, and none in a sound one."""

from __future__ import annotations

import base64
import re
import struct
import wave
import zlib
from pathlib import Path

import checks
import chromium
import pytest

PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>body {{margin: 0}} a {{color: inherit}} img {{max-width: 100%}}
[data-theme=dark] {{background: #111; color: #eee}} </style></head>
<body><div class="content" style="max-width: 800px"><article id="top">{}</article></div></body>"""

SOUND = """<p>Text.</p><p><a href="#top">up</a> <a href="file.txt">file</a>
<a href="https://arxiv.org/abs/2411.02711">paper</a></p>
<div style="overflow-x: auto"><pre style="width: 2000px">scrolls by itself</pre></div>
<img src="large.png" alt="A figure"><audio controls src="tone.wav"></audio>
<audio controls><source src="data:audio/wav;base64,{}" type="audio/wav"></audio>"""

BROKEN = [
    (checks.overflow, '<pre style="width: 1500px">wide</pre>', "desktop: the page is 15.. px"),
    (checks.overflow, '<pre style="width: 700px">wide</pre>', "phone: .*article > pre sticks out"),
    (checks.overflow, '<p style="margin-left: -90px">hidden at the left</p>', "sticks out"),
    (checks.figures, '<img alt="A" src="large.png" width="300">', "desktop: .*is 300 px wide"),
    (checks.figures, '<img alt="A" src="large.png" style="width: 50%">', "phone: .*, the text 390"),
    (checks.figures, '<img alt="A" src="file.txt">', "file.txt of 0 px"),
    (checks.alt_texts, '<img src="large.png">', "large.png has no alt text"),
    (checks.contrast, '<p style="color: #888">pale</p>', "light: .*contrast of 3.5"),
    (checks.contrast, '<p style="color: #222">black</p>', "dark: .*contrast of 1.2"),
    (checks.players, '<audio controls src="file.txt"></audio>', "NotSupportedError"),
    (checks.players, '<audio controls src="empty.wav"></audio>', "'duration': 0"),
    (checks.players, '<audio src="tone.wav"></audio>', "'controls': False"),
    (checks.traffic, '<img alt="A" src="https://shields.io/badge.png">', "asks https://shields"),
    (checks.traffic, '<script src="gone.js"></script>', "404 http://.*/gone.js"),
    (checks.traffic, "<script>throw new Error('oh no')</script>", "oh no"),
    (checks.inner_links, '<a href="#nowhere">x</a>', "#nowhere has no such place"),
    (checks.inner_links, '<a href="other.html#nowhere">x</a>', "#nowhere has no such place"),
    (checks.inner_links, '<a href="gone.html">x</a>', "gone.html is not there"),
    (checks.inner_links, '<a href="gone.zip">x</a>', "gone.zip is not there"),
    (checks.outer_links, '<a href="http://arxiv.org/">x</a>', "is not https to a host"),
    (checks.outer_links, '<a href="https://arxiv.ogr/">x</a>', "is not https to a host"),
]


def write_png(path: Path, width: int) -> None:
    """Write a white picture of one row."""
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0),
        b"IDAT": zlib.compress(b"\0" + b"\xff" * width),
        b"IEND": b"",
    }
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def write_wav(path: Path, n_times: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(b"\0\1" * n_times)


@pytest.fixture
def visited(browser, tmp_path):
    """Return the facts of a site of two pages, the first with the given text, and its address."""
    (tmp_path / "file.txt").write_text("text")
    write_png(tmp_path / "large.png", 780)
    write_wav(tmp_path / "tone.wav", 8000)
    write_wav(tmp_path / "empty.wav", 0)
    (tmp_path / "other.html").write_text(PAGE.format("<p>Text.</p>"))

    def visit(text):
        link = '<p><a href="other.html">other</a></p>'
        (tmp_path / "index.html").write_text(PAGE.format(link + text))
        return chromium.crawl(browser, home, ["index.html"]), home

    with chromium.serve(tmp_path) as home:
        yield visit


def test_in_a_sound_page_no_check_finds_anything(visited, tmp_path):
    tone = base64.b64encode((tmp_path / "tone.wav").read_bytes()).decode()
    pages, home = visited(SOUND.format(tone))
    assert [heard["duration"] for heard in pages["index.html"]["heard"]] == [0.5, 0.5]
    assert sorted(pages) == ["index.html", "other.html"]
    assert [list(check(pages, home)) for check in checks.ALL] == [[]] * len(checks.ALL)


@pytest.mark.parametrize(("check", "text", "problem"), BROKEN)
def test_a_broken_page_is_found(visited, check, text, problem):
    found = list(check(*visited(text)))
    assert any(re.search(problem, line) for line in found), found


def test_each_check_has_a_broken_page():
    assert {check for check, _, _ in BROKEN} == set(checks.ALL)
