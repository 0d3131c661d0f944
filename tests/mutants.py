"""Plant small faults into the core, one at a time, and say which of them no test notices.

`make mutants` runs mutmut for each module of the core that decides something, against the tests
where the module's promises live. It prints a line for each module. What survived is in
build/mutants/survivors.txt, each with its change; CONTRIBUTING.md says how to read it.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "mutants"
MUTMUT = Path(sys.executable).with_name("mutmut")

# The tests where a module's promises live. Of these mutmut runs only those that reach the changed
# function, up to the first that fails.
STORE = ("tests/conformance", "tests/layer/test_round_trips.py")
EVENTS = ("tests/functions/test_publish_events.py",)
PROOF = (
    "tests/layer/test_tokens.py",
    "tests/functions/test_token_refusals.py",
    "tests/functions/test_every_end.py",
)
METRICS = ("tests/test_observability.py",)
KEYS = ("tests/layer/test_signing_keys.py", "tests/functions/test_rotate_signing_key.py")
PROMISES = {
    "model": ("tests/layer/test_model.py", "tests/functions/test_get_session.py"),
    "proof": PROOF,
    "last_use": ("tests/layer/test_last_use.py", "tests/conformance/test_sessions.py"),
    "tokens": PROOF,
    "session_store": STORE,
    "user_store": STORE,
    "account_store": (
        *STORE,
        "tests/functions/test_create_user.py",
        "tests/functions/test_delete_user.py",
        "tests/functions/test_export_user.py",
        "tests/functions/test_rename_user.py",
    ),
    "user_listing": (
        "tests/functions/test_list_users.py",
        "tests/functions/test_import_users.py",
        "tests/functions/test_export_users.py",
    ),
    "foreign_hashes": ("tests/functions/test_import_users.py",),
    "session_epoch": (*STORE, "tests/functions/test_revoke_everyone.py", *EVENTS),
    "login_throttle": (
        "tests/conformance/test_attempts.py",
        "tests/functions/test_login_attempts.py",
        "tests/functions/test_unknown_users.py",
    ),
    "logins": ("tests/layer/test_logins.py",),
    "session_events": EVENTS,
    "streams": EVENTS,
    "event_bus": EVENTS,
    "signing_keys": (*KEYS, *METRICS),
    "key_rotation": ("tests/layer/test_key_rotation.py", *KEYS),
    "body": (
        "tests/layer/test_request.py",
        "tests/functions/test_body_refusals.py",
        "tests/functions/test_delete_sessions.py",
    ),
    "request": (
        "tests/layer/test_request.py",
        "tests/functions/test_header_refusals.py",
        "tests/functions/test_behind_cloudfront.py",
        "tests/functions/test_behind_back_end.py",
    ),
    "gateways": ("tests/functions/test_verify_session.py", *METRICS),
}

# mutmut reads setup.cfg where pyproject.toml has no section for it, and it finds a module by its
# name only below `src`. What noticed the last fault is asked first: it may notice the next one.
# moto is quick enough to be asked for each fault; ministack is not, nor is a look for exceptions
# in destructors.
SETTINGS = """\
[mutmut]
source_paths=src
only_mutate=src/sessions/{module}.py
also_copy=
    {copied}
pytest_add_cli_args=
    --override-ini=pythonpath=src . clients/python
    --failed-first
    --hypothesis-profile=mutants
    --tb=no
    --timeout=30
    -knot ministack
    -pno:unraisableexception
pytest_add_cli_args_test_selection=
    {tests}
use_git_change_detection=false
track_dependencies=false
"""
COPIED = (
    *("benchmarks", "clients", "docs", "events", "functions", "layers", "local", "sessionctl"),
    *("template.yaml", "web"),
)


def prepare(module: str) -> Path:
    """Make a folder for mutmut: a copy of the project, with the core in `src`."""
    folder = BUILD / module
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (*COPIED, "tests", "pyproject.toml"):
        if (ROOT / name).is_dir():
            # events/local-env.json leads nowhere while no service runs.
            shutil.copytree(ROOT / name, folder / name, ignore_dangling_symlinks=True)
        else:
            shutil.copy(ROOT / name, folder / name)
    (folder / "src").symlink_to(ROOT / "layers" / "sessions")
    lines = {"copied": "\n    ".join(COPIED), "tests": "\n    ".join(PROMISES[module])}
    (folder / "setup.cfg").write_text(SETTINGS.format(module=module, **lines))
    return folder


def run(folder: Path, *command: str) -> str:
    """Run a command of mutmut and return what it prints; stop with that if it fails."""
    done = subprocess.run(
        [MUTMUT, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"mutmut {' '.join(command)} failed:\n{done.stdout[-5000:]}{done.stderr[-5000:]}")
    return done.stdout


def survivors_of(folder: Path) -> list[str]:
    """Return the name of each fault that no test noticed, or that no test reached."""
    lines = (line.strip().rpartition(": ") for line in run(folder, "results").splitlines())
    return [name for name, _, status in lines if status not in ("", "timeout")]


def main() -> None:
    """Run mutmut for the modules that are named, or for all."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(PROMISES)}")
    modules = parser.parse_args().modules or list(PROMISES)
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "survivors.txt").open("w") as report:
        for module in modules:
            begun = time.monotonic()
            folder = prepare(module)
            run(folder, "run")
            run(folder, "export-cicd-stats")
            total = json.loads((folder / "mutants" / "mutmut-cicd-stats.json").read_text())["total"]
            survivors = survivors_of(folder)
            for name in survivors:
                print(run(folder, "show", name), file=report, flush=True)
            killed = total - len(survivors)
            seconds = time.monotonic() - begun
            print(
                f"{module:15} {killed:4} of {total:4} {killed / total:6.1%} {seconds:5.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
