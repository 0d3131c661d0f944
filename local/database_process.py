"""ministack in a process that ends when its parent does, however the parent ends.

Linux could do it with a signal (PR_SET_PDEATHSIG), macOS could not; a pipe does it on both:
the kernel closes the parent's end even after a SIGKILL.
"""

import os
import signal
import sys
import threading
from typing import Any

GRACE_SECONDS = 20.0


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


def main() -> None:
    """Run ministack, whose settings are in the environment."""
    threading.Thread(target=follow_parent, daemon=True).start()
    from ministack.app import main as serve  # type: ignore[import-untyped]  # noqa: PLC0415  # slow, and untyped
    from ministack.services import secretsmanager  # type: ignore[import-untyped]  # noqa: PLC0415  # the same

    keep_secrets_versions(secretsmanager)
    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
