"""The page that docs/own-page.md has a web developer type logs in."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from playwright.sync_api import expect

from local.service import SEED
from tests.browser.pages import Browse, site
from tests.support.service import ROOT, running

BLOCK = re.compile(r"^    .*\n(?:(?:    .*)?\n)*", re.MULTILINE)
PLACE = "/tmp/page"  # noqa: S108 - where the document has it


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """Type what makes the page; yield where it is."""
    text = (ROOT / "docs" / "own-page.md").read_text()
    start, make = (dedent(block).strip() for block in BLOCK.findall(text))
    commands, _, serve = make.rpartition("\n")
    folder = tmp_path / "page"
    commands = commands.replace(PLACE, str(folder))
    subprocess.run(["/bin/sh", "-euc", commands], cwd=ROOT, check=True)
    assert start == 'make run OPTIONS="--origin http://localhost:8080"'
    assert serve == f"python3 -m http.server 8080 --directory {PLACE}"
    state = tmp_path / "service"
    state.mkdir()
    with site(folder) as origin, running(state, origins=[origin]) as service:
        index = folder / "index.html"
        index.write_text(index.read_text().replace("http://127.0.0.1:3000/api", service.url))
        yield origin


def test_the_page_logs_in_from_its_own_origin(browse: Browse, page: str):
    shown = browse(page)
    shown.get_by_label("Name").fill(SEED["username"])
    shown.get_by_label("Password").fill(SEED["password"])
    shown.get_by_role("button", name="Log in").click()
    expect(shown.get_by_role("status")).to_have_text("You are logged in. Sessions: 1.")
