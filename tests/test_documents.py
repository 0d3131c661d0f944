"""The documents lead where they say."""

import re
import shlex
from pathlib import Path

import pytest

from sessionctl.__main__ import main as sessionctl
from tests.support.assumptions import BY_EYE, IF_NOT, assumptions

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for folder in (".", "docs", "docs/decisions", "clients/js", "clients/python")
    for path in (ROOT / folder).glob("*.md")
)
MAKEFILE = (ROOT / "Makefile").read_text()
README_LINES = 150


def links(text: str) -> list[str]:
    """Return the targets of links, without those that look like one in code."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors(text: str) -> set[str]:
    """Return the anchors of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_of_a_document_leads_somewhere(document: Path):
    for link in links(document.read_text()):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_the_documents_have_links():
    assert sum(len(links(document.read_text())) for document in DOCUMENTS) > len(DOCUMENTS)


def code(text: str) -> str:
    """Return what a document has as code, each piece on a line of its own."""
    blocks = re.findall(r"```.*?```|(?:^    [^\n]*\n)+", text, flags=re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return "\n".join([*blocks, *(" ".join(span.split()) for span in spans)])


@pytest.mark.parametrize(
    "document",
    [path for path in DOCUMENTS if path.name != "CHANGELOG.md"],  # which tells what was, too
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_each_command_of_a_document_exists(document: Path, capsys):
    """A module is run by the Python that make has installed: there may be no other `python`."""
    typed = code(document.read_text())
    for target in re.findall(r"(?<![\w-])make ([a-z][a-z-]+)", typed):
        assert re.search(rf"^{target}:", MAKEFILE, flags=re.MULTILINE), target
    for python, module in re.findall(r"([\w./-]*python[\d.]*) -m (\w+)", typed):
        assert python == ".venv/bin/python" or not (ROOT / module).is_dir(), module
    for line in re.findall(r"-m sessionctl\b([^|>;\n]*)", typed):
        if arguments := shlex.split(line):
            assert sessionctl([*arguments, "--help"]) == 0, (line, capsys.readouterr().err)


def test_the_documents_have_commands():
    typed = code((ROOT / "docs" / "runbook.md").read_text())
    assert typed.count(".venv/bin/python -m sessionctl") > 20


def test_each_decision_is_numbered_as_its_file_is():
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    titles = [re.match(r"# (\d+)\. ", path.read_text()) for path in files]
    assert [int(title[1]) for title in titles if title] == list(range(1, len(files) + 1))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def test_each_point_of_what_only_aws_can_show_is_tried_or_looked_at():
    points = assumptions()
    assert list(points) == list(range(1, len(points) + 1))
    by_eye = {number for number, point in points.items() if point.advice.startswith(BY_EYE)}
    suite = "".join(path.read_text() for path in (ROOT / "tests" / "verify").glob("test_*.py"))
    tried = {
        int(number)
        for marker in re.findall(r"mark\.assumption\(([\d, ]+)\)", suite)
        for number in marker.split(",")
    }
    assert not tried & by_eye
    assert tried | by_eye == points.keys()
    for number in tried:
        assert points[number].advice.startswith(IF_NOT), number
