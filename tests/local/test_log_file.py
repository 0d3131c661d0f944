"""The file that functions print to."""

from concurrent.futures import ThreadPoolExecutor

from local.log_file import LogFile


def test_lines_of_many_threads_do_not_mix(tmp_path):
    with LogFile(tmp_path / "log") as log, ThreadPoolExecutor(8) as threads:
        for number in range(200):
            threads.submit(print, "a" * 50, number, file=log)
    lines = (tmp_path / "log").read_text().splitlines()
    assert sorted(lines) == sorted(f"{'a' * 50} {number}" for number in range(200))


def test_a_log_is_added_to(tmp_path):
    for text in ("one", "two"):
        with LogFile(tmp_path / "log") as log:
            print(text, file=log)
    assert (tmp_path / "log").read_text() == "one\ntwo\n"
