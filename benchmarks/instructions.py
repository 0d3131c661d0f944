"""The instructions of a cold start, as valgrind's callgrind counts them: CI's gate.

Unlike times, they hardly differ from run to run, whatever else the machine does. AWS is spoken to
without TLS, whose random numbers would. The recorded figures are those of one interpreter each; for
another, only the limits hold.
"""

import argparse
import json
import platform
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.bundle import FLOOR, Bundle, bundle
from benchmarks.tables import markdown

# Millions of instructions that a cold start may take, of one function of each kind.
LIMITS = {
    "get_current_session": 850,
    "delete_sessions": 850,
    "create_session": 1250,
    "create_user": 1400,
}
RECORD = Path(__file__).with_suffix(".json")
TOLERANCE = 0.02
_COLLECTED = re.compile(r"Collected : (\d+)")


def count(made: Bundle, name: str) -> float:
    """Return the millions of instructions of one cold start."""
    case = made.cases[name]
    made.play(case)
    run = subprocess.run(  # noqa: S603 - what runs is ours
        [
            *("/usr/bin/env", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
            *made.command("cold_start", case),
        ],
        cwd=case.folder,
        env={**case.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    collected = _COLLECTED.search(run.stderr)
    assert collected, run.stderr
    return int(collected[1]) / 1e6


def interpreter(python: str) -> str:
    """Return the name of a build of Python: its version, compiler and machine."""
    script = "import platform as p; print(p.python_version(), p.python_compiler(), p.machine())"
    run = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    return run.stdout.strip()


def main() -> None:
    """Count, compare with the limits and the record, and fail where one is exceeded."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the Python that runs them")
    parser.add_argument("--record", action="store_true", help="record what is counted")
    arguments = parser.parse_args()
    known = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    which = interpreter(arguments.python)
    recorded = known.setdefault(which, {})
    print(f"Python {which}; {platform.platform()}")
    lines = []
    exceeded = []
    with bundle(arguments.python, tls=False) as made:
        for name in (FLOOR, *LIMITS):
            counted = count(made, name)
            before, limit = recorded.get(name), LIMITS.get(name)
            lines.append((name, round(counted), before or "", limit or ""))
            if limit and counted > limit:
                exceeded.append(f"{name}: over its limit of {limit} million")
            if limit and before and counted > before * (1 + TOLERANCE) and not arguments.record:
                exceeded.append(f"{name}: {counted / before - 1:.1%} over what was recorded")
            recorded[name] = round(counted)
    print(markdown(("", "million instructions", "recorded", "limit"), lines))
    if arguments.record:
        RECORD.write_text(json.dumps(known, indent=2) + "\n")
    if exceeded:
        sys.exit("\n".join(exceeded))


if __name__ == "__main__":
    main()
