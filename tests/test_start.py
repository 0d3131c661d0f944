"""What a function makes when it is imported may be in a snapshot that starts many processes."""

import json

import pytest

from local.functions import functions_of
from local.template import load_template
from tests.support.processes import ROOT, run_beside

FUNCTIONS = {each.folder.name: each for each in functions_of(load_template()).values()}
# AWS, "Handling uniqueness with Lambda SnapStart": what is random, or tells the time, is to be
# made after the snapshot; a thread of before is not there after it.
PROGRAM = """
import importlib, json, os, random, secrets, sys, threading, time, uuid

OURS = tuple(os.path.join(sys.argv[1], *of) for of in (["layers", "sessions"], ["functions"]))
made = []

def watch(module, name):
    original = getattr(module, name)
    def watched(*args, **kwargs):
        if sys._getframe(1).f_code.co_filename.startswith(OURS):
            made.append(f"{module.__name__}.{name}")
        return original(*args, **kwargs)
    setattr(module, name, watched)

for module, names in {
    os: ["urandom"],
    random: ["random", "randint", "getrandbits"],
    secrets: ["token_bytes", "token_hex", "token_urlsafe"],
    time: ["time", "time_ns", "monotonic", "perf_counter"],
    uuid: ["uuid1", "uuid4"],
}.items():
    for name in names:
        watch(module, name)
importlib.import_module(f"functions.{sys.argv[2]}.app").handler
print(json.dumps([made, threading.active_count()]))
"""


@pytest.mark.parametrize("folder", sorted(FUNCTIONS))
def test_nothing_random_or_timed_and_no_thread_is_made_at_import(folder):
    told = run_beside(FUNCTIONS[folder], PROGRAM, str(ROOT), folder)
    made, threads = json.loads(told)
    assert (made, threads) == ([], 1)
