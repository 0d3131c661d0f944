"""How big the artefacts are that `make build` made: layers and functions, zipped and unpacked.

`python -m benchmarks.size` prints a table; it needs .aws-sam/build. Their limit is held to by
tests/e2e/test_artefacts.py.
"""

import argparse
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from benchmarks.tables import markdown
from tests.e2e.built import BUILT

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a ZIP file knows


def sizes(folder: Path, files: Iterable[Path]) -> tuple[str, str]:
    """Return how many kilobytes the files of a folder take, unpacked and in a ZIP file."""
    unpacked, memory = 0, BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            content = path.read_bytes()
            unpacked += len(content)
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), EPOCH)
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return f"{unpacked / 1000:,.1f}", f"{len(memory.getvalue()) / 1000:,.1f}"


def table(built: Path = BUILT) -> str:
    """Return the sizes of the artefacts as a table, the layers first.

    Raises:
        FileNotFoundError: nothing was built.
    """
    folders = [folder for folder in built.iterdir() if folder.is_dir()]
    lines = []
    for folder in sorted(folders, key=lambda each: (not each.name.endswith("Layer"), each.name)):
        files = [path for path in folder.rglob("*") if path.is_file()]
        source = [path for path in files if path.suffix != ".pyc"]
        lines.append((folder.name, len(files), *sizes(folder, files), *sizes(folder, source)))
    head = ("artefact", "files", "unpacked kB", "zipped kB", "no bytecode kB", "zipped kB")
    return markdown(head, lines)


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser("python -m benchmarks.size", description=__doc__).parse_args()
    print(table())


if __name__ == "__main__":
    main()
