"""The database on this machine."""

import threading
from concurrent.futures import ThreadPoolExecutor

from local.engine import engine


def test_engines_that_start_at_once_have_each_a_port_of_its_own(tmp_path):
    begin, end = threading.Barrier(2), threading.Barrier(2)

    def run(name: str) -> str:
        begin.wait()
        with engine(tmp_path / name) as endpoint:
            end.wait()
            return endpoint

    with ThreadPoolExecutor(2) as threads:
        endpoints = list(threads.map(run, ["one", "other"]))
    assert len(set(endpoints)) == 2
