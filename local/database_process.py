"""ministack in a process that ends when its parent does, however the parent ends.

Linux could do it with a signal (PR_SET_PDEATHSIG), macOS could not; a pipe does it on both:
the kernel closes the parent's end even after a SIGKILL.
"""

import json
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

GRACE_SECONDS = 20.0
DAMAGED = 65  # the exit code; EX_DATAERR of sysexits.h
LOOPBACK = re.compile(rb"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?", re.IGNORECASE)


def follow_parent() -> None:
    """Wait for the end of standard input, then ask ourselves to save the state and stop."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)  # this thread is a daemon: it ends with the process
    os._exit(1)


def keep_secrets_versions(secretsmanager: Any) -> None:
    """Have ministack's PutSecretValue leave a version that is there as it is.

    A token that is taken by the same text does nothing, and by another is refused; ministack
    overwrites. Two changes of the key set at once depend on it (docs/decisions/0008).
    Source: Secrets Manager API Reference, "PutSecretValue", `ClientRequestToken`.
    """
    put = secretsmanager._put_secret_value  # noqa: SLF001  # there is no other way in

    def put_new(data: dict[str, Any]) -> Any:
        token = data.get("ClientRequestToken")
        _, secret = secretsmanager._resolve(data.get("SecretId"))  # noqa: SLF001
        if secret is None or token not in secret["Versions"]:
            return put(data)
        version = secret["Versions"][token]
        if version["SecretString"] != data.get("SecretString"):
            reason = f"A version with the token {token} already exists."
            return secretsmanager.error_response_json("ResourceExistsException", reason, 400)
        answer = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token}
        return secretsmanager.json_response({**answer, "VersionStages": version["Stages"]})

    secretsmanager._put_secret_value = put_new  # noqa: SLF001


def refuse_damaged_state(app: Any) -> None:
    """Have ministack end where it cannot read its state.

    By itself it goes on with an empty database, which would take the place of the state at its end.
    """

    def load() -> None:
        for name, module in app._state_map.items():  # noqa: SLF001  # there is no other way in
            file = Path(os.environ["STATE_DIR"]) / f"{name}.json"
            if not file.exists():
                continue
            try:
                json.loads(file.read_text())["__ministack_format__"]
                # It is None where a later ministack wrote it.
                app._get_module(module).load_persisted_state({**app.load_state(name)})  # noqa: SLF001
            except Exception as error:  # noqa: BLE001  # whatever it is, nothing may be overwritten
                _end(f"the state is damaged: {file} ({type(error).__name__}: {error})")

    app._load_persisted_state = load  # noqa: SLF001


def _end(reason: str) -> NoReturn:
    print(reason.replace("\n", " "), file=sys.stderr, flush=True)
    os._exit(DAMAGED)  # without a last saving of the state


def for_programs(app: ASGIApp) -> ASGIApp:
    """Keep the pages of a browser away from ministack, which lets every page read every answer.

    A page cannot hide its `Origin` (Fetch Standard, "Origin header"), nor change its `Host`: a
    page whose name was made to lead to this machine still has that name there (DNS rebinding).
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _is_of_a_program(scope["headers"]):
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            refusal = PlainTextResponse("Only programs of this machine, and no page.", 403)
            await refusal(scope, receive, send)

    return answer


def _is_of_a_program(headers: list[tuple[bytes, bytes]]) -> bool:
    hosts = [value for name, value in headers if name.lower() == b"host"]
    return (
        all(name.lower() != b"origin" for name, _ in headers)
        and len(hosts) == 1
        and LOOPBACK.fullmatch(hosts[0]) is not None
    )


def main(*, answers_pages: bool = False) -> None:
    """Run ministack, whose settings are in the environment.

    Args:
        answers_pages: whether it also answers pages, and to names that are not this machine's.
    """
    threading.Thread(target=follow_parent, daemon=True).start()
    from ministack import app  # type: ignore[import-untyped]  # noqa: PLC0415  # slow, and untyped
    from ministack.services import secretsmanager  # type: ignore[import-untyped]  # noqa: PLC0415  # the same

    keep_secrets_versions(secretsmanager)
    refuse_damaged_state(app)
    if not answers_pages:
        app.app = for_programs(app.app)
    sys.argv = ["ministack"]
    app.main()


if __name__ == "__main__":
    main()
