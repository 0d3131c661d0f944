"""The folder of a service: whether it is ours, and what it tells."""

import json
import os
from pathlib import Path

import pytest

from local.state import SERVICE_FILE, StateError, claim, held, running, tell


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.mark.parametrize("name", ["new", "new/in/new", "empty"])
def test_a_folder_that_is_missing_or_empty_is_made_ours(tmp_path, name):
    (tmp_path / "empty").mkdir()
    claim(tmp_path / name)
    assert contents(tmp_path / name) == {SERVICE_FILE: "", ".gitignore": "*\n"}


@pytest.mark.parametrize("name", [".gitignore", "notes.txt", "state", "engine.log"])
def test_a_folder_of_others_is_left_as_it_is(tmp_path, name):
    (tmp_path / name).write_text("of others")
    with pytest.raises(StateError, match="files of others"):
        claim(tmp_path)
    assert contents(tmp_path) == {name: "of others"}


def test_nothing_in_a_folder_of_ours_is_written_again(tmp_path):
    claim(tmp_path)
    for name in (".gitignore", "notes.txt"):
        (tmp_path / name).write_text("changed")
    claim(tmp_path)
    assert contents(tmp_path) == {
        SERVICE_FILE: "",
        ".gitignore": "changed",
        "notes.txt": "changed",
    }


def test_a_folder_of_an_earlier_version_is_taken(tmp_path):
    for name in ("engine.lock", "engine.log", ".gitignore"):
        (tmp_path / name).write_text("")
    claim(tmp_path)
    assert (tmp_path / SERVICE_FILE).exists()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_path_where_no_folder_can_be_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError) as refused:
        claim(tmp_path / name)
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StateError, match="Permission denied"):
        claim(tmp_path)


def test_what_runs_is_told_for_as_long_as_it_holds_the_folder(tmp_path):
    assert running(tmp_path) is None
    with held(tmp_path):
        assert running(tmp_path) is None, "it starts"
        tell(tmp_path, "http://127.0.0.1:4566", "http://127.0.0.1:3000", {"TABLE": "T"})
        found = running(tmp_path)
        assert found
        assert (found.database, found.url) == ("http://127.0.0.1:4566", "http://127.0.0.1:3000")
        # As `sam local invoke --env-vars` reads it.
        told = json.loads((tmp_path / SERVICE_FILE).read_text())
        assert told["Parameters"] == {"TABLE": "T", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
        assert all(isinstance(member, dict) for member in told.values())
        with pytest.raises(StateError, match="--endpoint http://"), held(tmp_path):
            pass
    assert running(tmp_path) is None
    assert (tmp_path / SERVICE_FILE).read_text() == ""


def test_what_a_killed_process_told_is_not_taken_for_a_service(tmp_path):
    claim(tmp_path)
    tell(tmp_path, "http://127.0.0.1:4566", "http://127.0.0.1:3000")
    assert running(tmp_path) is None
