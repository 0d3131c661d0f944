"""How big the artefacts are that `make build` made: layers and functions, zipped and unpacked.

`python -m benchmarks.size` prints a table; it needs .aws-sam/build. Their limit is held to by
tests/e2e/test_artefacts.py.
"""

import argparse
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from benchmarks.tables import markdown

BUILD = Path(__file__).parents[1] / ".aws-sam" / "build"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a ZIP file knows


class Size(NamedTuple):
    """An artefact: bytes of its files, and of a ZIP file of them; with bytecode and without."""

    name: str
    files: int
    unpacked: int
    zipped: int
    source_unpacked: int
    source_zipped: int


def rows(build: Path = BUILD) -> list[Size]:
    """Return the size of each artefact, the layers first.

    Raises:
        FileNotFoundError: nothing was built.
    """
    folders = [folder for folder in build.iterdir() if folder.is_dir()]
    return [_size(each) for each in sorted(folders, key=_layers_first)]


def _layers_first(folder: Path) -> tuple[bool, str]:
    return not folder.name.endswith("Layer"), folder.name


def _size(folder: Path) -> Size:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    source = [path for path in files if path.suffix != ".pyc"]
    return Size(
        folder.name,
        len(files),
        _bytes(files),
        _zip(folder, files),
        _bytes(source),
        _zip(folder, source),
    )


def _bytes(files: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _zip(folder: Path, files: Iterable[Path]) -> int:
    """Return how many bytes the files take in a ZIP file, always the same."""
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), EPOCH)
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return len(memory.getvalue())


def table(sizes: Iterable[Size]) -> str:
    """Return the sizes as a table, in kilobytes."""
    head = ("artefact", "files", "unpacked kB", "zipped kB", "no bytecode kB", "zipped kB")
    return markdown(
        head,
        ((size.name, size.files, *(f"{each / 1000:,.1f}" for each in size[2:])) for size in sizes),
    )


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser("python -m benchmarks.size", description=__doc__).parse_args()
    print(table(rows()))


if __name__ == "__main__":
    main()
