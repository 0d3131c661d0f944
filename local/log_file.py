"""Where functions print to: a file; the console has one line for each request."""

import io
import threading
from pathlib import Path


class LogFile(io.TextIOBase):
    """A text file that many threads may print to: their lines never mix.

    On Lambda every function has an output of its own, so the functions need not care.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._pending = threading.local()

    def writable(self) -> bool:
        """Say yes; the base class says no."""
        return True

    def write(self, text: str, /) -> int:
        """Write the lines that are whole by now; each thread's last part waits for its end."""
        lines, newline, rest = (getattr(self._pending, "text", "") + text).rpartition("\n")
        self._pending.text = rest
        if newline:
            with self._lock:
                self._file.write(lines + newline)
        return len(text)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
