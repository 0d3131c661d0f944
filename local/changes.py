"""Source files, looked at again and again for changes.

A look takes less than a millisecond: it needs no thread, and none of a system's own services.
"""

import os
from collections.abc import Iterable
from pathlib import Path

# Not those of the files that editors keep for themselves.
SUFFIXES = (".css", ".html", ".js", ".json", ".py", ".svg", ".yaml")

States = dict[str, tuple[int, int]]


def states_of(paths: Iterable[Path]) -> States:
    """Return the time and size of each source file below some paths, each a folder or a file."""
    files = {str(path) for path in paths if path.is_file()}
    for path in paths:
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if name != "__pycache__"]
            files |= {f"{folder}{os.sep}{name}" for name in names if name.endswith(SUFFIXES)}
    return {file: _state(file) for file in files}


def differences(before: States, after: States) -> list[Path]:
    """Return the files that were changed, added or deleted between two looks."""
    return sorted({Path(file) for file, _ in before.items() ^ after.items()})


def _state(file: str) -> tuple[int, int]:
    try:
        found = os.stat(file)  # noqa: PTH116  # pathlib is five times as slow
    except FileNotFoundError:  # deleted since its folder was read
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
