"""Source files, looked at again and again for changes."""

import os

from local.changes import differences, states_of


def test_what_was_changed_added_or_deleted_is_found(tmp_path):
    folder, file, other = tmp_path / "folder", tmp_path / "template.yaml", tmp_path / "other.py"
    (folder / "in/__pycache__").mkdir(parents=True)
    for each in (folder / "a.py", folder / "in/b.css", file, other):
        each.write_text("1")
    paths = {folder, file, tmp_path / "nothing"}
    before = states_of(paths)
    assert differences(before, states_of(paths)) == []
    (folder / "a.py").write_text("2")
    (folder / "in/b.css").unlink()
    (folder / "in/new.html").write_text("")
    os.utime(file, (0, 0))
    for unseen in (other, folder / ".a.py.swp", folder / "in/__pycache__/a.py"):
        unseen.write_text("2")
    assert differences(before, states_of(paths)) == [
        folder / "a.py",
        folder / "in/b.css",
        folder / "in/new.html",
        file,
    ]
