"""Each command of the walk through every operation gives the answer printed under it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The README last, since its login is one more session.
TYPED = ("docs/walkthrough.md", "README.md")
VARYING = [
    (r'"version": "[\d.]+"', '"version": "VERSION"'),
    (r'"token":"[^"]+"', '"token":"TOKEN"'),
    (r'"(sub|id)": ?"[^"]{22}"', r'"\1":"ID"'),
    (r'"(\w+)": ?\d{10}\b', r'"\1":TIME'),
    (r"\bcurl \d+", "curl"),
    # What sessionctl prints for people.
    (r"\bID( +)[\w-]{22}", r"ID\1USER"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", "MOMENT"),
    (r"(?m)^\d{10}  ", "SESSION  "),
    (r"\b\d{10}-[0-9a-f]{8}\b", "KEY"),
    (r"again in \d+ seconds", "again in a minute"),
]


def steps_of(document: str) -> list[tuple[str, str]]:
    """Return a document's commands with the answers printed under them."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    steps = []
    for step in re.split(r"^\$ ", "\n".join(blocks), flags=re.MULTILINE)[1:]:
        command, _, answer = step.partition("\n")
        steps.append((command, answer.strip()))
    assert steps, document
    return steps


def without_what_varies(text: str) -> str:
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def test_each_command_gives_the_answer_printed_under_it(start):
    service = start("--no-rate-limit")
    steps = [step for document in TYPED for step in steps_of(document)]
    script = "\n".join(f"{command}\necho; echo ---" for command, _ in steps)
    script = script.replace("http://127.0.0.1:3000/api", service.url)
    local = f"{sys.executable} -m sessionctl --local {service.url.removesuffix('/api')}"
    script = script.replace(".venv/bin/python -m sessionctl --local", local)
    invoke = f"{sys.executable} -m local invoke --state {service.environment['HOME']}"
    script = script.replace(".venv/bin/python -m local invoke", invoke)
    shell = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=ROOT,
        env=service.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = shell.stdout.split("\n---\n")
    for (command, expected), answer in zip(steps, answers, strict=False):
        assert without_what_varies(answer) == without_what_varies(expected), command
