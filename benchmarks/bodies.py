"""What the worst bodies cost until they are read or refused: time of a core, and memory.

`python -m benchmarks.bodies` prints a table, and ends with 1 if a body takes 20 ms, or 60 MB more
than the idle function. Each is read in a process of its own, as its operation reads it; the time is
the least of several, since other processes may be in the way.
"""

import base64
import functools
import importlib
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from benchmarks.tables import markdown
from local.functions import functions_of, logical_id, runtime_environment, shared_environment
from local.template import load_template

MOST_MILLISECONDS, MOST_MEGABYTES = 20.0, 60.0
ROUNDS = 25
OPERATIONS = {"create_session": "CREDENTIALS", "delete_sessions": "SESSION_IDS"}
MEGABYTE = 2**20
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=frontier"

_HEADER = "--frontier\r\nContent-Disposition: form-data; name="


def repeated(text: str, size: int, start: str = "", end: str = "") -> str:
    """Return as many repetitions as a body of this size has room for."""
    return start + text * ((size - len(start) - len(end)) // len(text)) + end


def of_fields(text: str, number: int, size: int) -> str:
    """Return so many fields of a form, which fill a body of this size with escapes."""
    escapes = (size // number - len(text) - 1) // 9
    return "&".join([text + "%E2%82%AC" * escapes] * number)


def array(item: str) -> Callable[[int], str]:
    """Return a writer of JSON that has as many of these items as there is room for."""
    return lambda size: repeated(item, size, '{"sessions":[', "0]}")


# By what is in them: the content type, and a writer of a body of at most a size.
BODIES: dict[str, tuple[str, Callable[[int], str]]] = {
    "one session ID after the other": (JSON, array("1800000000,")),
    "short IDs": (JSON, array("1,")),
    "short texts": (JSON, array('"1",')),
    "empty arrays": (JSON, array("[],")),
    "empty objects": (JSON, array("{},")),
    "numbers with exponents": (JSON, array("1e1,")),
    "long numbers": (JSON, array("9" * 4299 + ",")),
    "escapes": (JSON, lambda size: repeated(r"\ud83d\ude00", size, '{"x":"', '"}')),
    "many members": (
        JSON,
        lambda size: json.dumps({f"{n:x}": 0 for n in range(size // 12)}, separators=(",", ":")),
    ),
    "deep arrays": (JSON, lambda size: "[" * size),
    "a form of separators": (FORM, lambda size: "&" * size),
    "a form of as many fields as may be": (FORM, lambda size: of_fields("sessions=", 2000, size)),
    "a form of more": (FORM, lambda size: repeated("a&", size)),
    "a form of other names": (
        FORM,
        lambda size: "&".join(f"{n:x}={'%41' * (size // 8000)}" for n in range(2000))[:size],
    ),
    "one long field of escapes": (FORM, lambda size: repeated("%E2%82%AC", size, "user=")),
    "parts": (MULTIPART, lambda size: repeated(f"{_HEADER}a\r\n\r\n\r\n", size)),
    "parts with a short boundary": (
        "multipart/form-data; boundary=f",
        lambda size: repeated(
            f"{_HEADER}a\r\n\r\n\r\n".replace("frontier", "f"), size, "", "--f--"
        ),
    ),
    "one part of line breaks": (
        MULTIPART,
        lambda size: repeated("\r\n", size, f"{_HEADER}user\r\n\r\n", "--frontier--"),
    ),
    "a part of half boundaries": (
        MULTIPART,
        lambda size: repeated("\r\n--fro", size, f"{_HEADER}user\r\n\r\n", "\r\n--frontier--"),
    ),
    "marks of one letter in the wrong order": (
        JSON,
        lambda size: repeated("\u0345\u0334", size // 2, '{"user":"x","pass":"', '"}'),
    ),
    "marks that are two": (
        JSON,
        lambda size: repeated("\u0344", size // 2, '{"user":"x","pass":"', '"}'),
    ),
    "a part of headers": (MULTIPART, lambda size: repeated("X: y\r\n", size, "--frontier\r\n")),
}
# As large as Lambda takes an event, which the gateway sends.
TOO_LARGE: dict[str, dict[str, Any]] = {
    "5.9 MB of text": {"body": "a&" * int(2.95 * MEGABYTE)},
    "5.9 MB of base64": {
        "body": base64.b64encode(b"a&" * int(2.2 * MEGABYTE)).decode(),
        "isBase64Encoded": True,
    },
}


def event_of(content_type: str, body: str) -> dict[str, Any]:
    """Return the part of API Gateway's event that a body is read from."""
    return {"headers": {"Content-Type": content_type}, "body": body}


def events(largest_bytes: int) -> dict[str, dict[str, Any]]:
    """Return an event with each body, by what is in it."""
    within = {
        name: event_of(content_type, write(largest_bytes))
        for name, (content_type, write) in BODIES.items()
    }
    return within | {
        name: event_of(FORM, event["body"]) | event for name, event in TOO_LARGE.items()
    }


@functools.cache
def load(operation: str) -> Any:
    """Import a function as Lambda does; it can call nothing of AWS, since nothing listens there."""
    functions = functions_of(load_template())
    os.environ.update(shared_environment(functions.values()))
    os.environ.update(runtime_environment("http://127.0.0.1:9", os.environ))
    for layer in functions[logical_id(operation)].layers:
        if str(layer) not in sys.path:
            sys.path.insert(0, str(layer))
    return importlib.import_module(f"functions.{operation}.app")


def read(operation: str, event: dict[str, Any]) -> tuple[float, float]:
    """Return the milliseconds and the megabytes that reading a body takes."""
    app = load(operation)
    from sessions.body import parse  # noqa: PLC0415 - `load` has put it on the path
    from sessions.errors import ApiError  # noqa: PLC0415
    from sessions.model import parse_session_id  # noqa: PLC0415
    from sessions.request import read_request  # noqa: PLC0415

    def once() -> None:
        request = read_request(event, 0)
        with suppress(ApiError):
            fields, prepare = getattr(app, OPERATIONS[operation]), getattr(app, "PREPARE", None)
            values = parse(request, fields, app.LARGEST_BODY_BYTES, prepare)
            for value in values.get("sessions", ()):
                parse_session_id(value)

    before = peak_megabytes()
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        once()
        times.append(time.process_time() - started)
    return min(times) * 1000, peak_megabytes() - before


def peak_megabytes() -> float:
    """Return the most memory that this process has had; Linux counts it in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Read each body, print what it took, and fail where that is too much."""
    spawned = multiprocessing.get_context("fork")
    rows, worst = [], (0.0, 0.0)
    for operation in OPERATIONS:
        largest = load(operation).LARGEST_BODY_BYTES
        for name, event in events(largest).items():
            with spawned.Pool(1) as pool:
                taken = pool.apply(read, (operation, event))
            rows.append((operation, name, len(event["body"]), *(round(each, 1) for each in taken)))
            worst = max(worst[0], taken[0]), max(worst[1], taken[1])
    print(markdown(("operation", "body", "letters", "ms", "MB"), rows))
    print(f"\nThe worst take {worst[0]:.1f} ms and {worst[1]:.1f} MB.")
    if worst[0] >= MOST_MILLISECONDS or worst[1] >= MOST_MEGABYTES:
        sys.exit(1)


if __name__ == "__main__":
    main()
