"""What `make check` says of known vulnerabilities, with a database of the test's own."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.e2e.built import ROOT

AUDIT_SECONDS = 120


@contextmanager
def database(*known: str) -> Iterator[str]:
    """Serve OSV's answer for some packages, and that nothing is known of the others."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = asked["package"]["name"]
            found = {"vulns": [finding(name)]} if name in known else {}
            answer = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def finding(name: str) -> dict[str, object]:
    package = {"name": name, "ecosystem": "PyPI"}
    events = [{"introduced": "0"}, {"fixed": "99999"}]
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    return {
        "id": "GHSA-0000-0000-0000",
        "summary": "Known.",
        "affected": [{"package": package, "ranges": ranges}],
    }


def audit(address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / ".venv-build/bin/python", ROOT / "requirements/audit.py", address],
        capture_output=True,
        text=True,
        timeout=AUDIT_SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("multipart", id="of a layer"),
        pytest.param("moto", id="of a tool"),
        pytest.param("cfn-lint", id="of what builds"),
    ],
)
def test_a_known_vulnerability_fails_the_check(name: str):
    with database(name) as address:
        said = audit(address)
    assert said.returncode == 1
    assert f"{name} " in said.stdout
    assert "GHSA-0000-0000-0000" in said.stdout


def test_where_nothing_is_known_the_check_passes():
    with database() as address:
        said = audit(address)
    assert (said.returncode, said.stdout) == (0, "")
    assert "No known vulnerabilities found" in said.stderr


def test_a_check_without_the_database_passes_and_says_so():
    with database() as address:
        pass  # nobody listens there any more
    said = audit(address)
    assert said.returncode == 0
    assert "known vulnerabilities were NOT looked for" in said.stdout
