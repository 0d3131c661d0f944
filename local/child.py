"""ministack in a process that ends when its parent does, however the parent ends.

Linux could do it with a signal (PR_SET_PDEATHSIG), macOS could not; a pipe does it on both:
the kernel closes the parent's end even after a SIGKILL.
"""

import os
import signal
import sys
import threading

GRACE_SECONDS = 20.0


def follow_parent() -> None:
    """Wait for the end of standard input, then ask ourselves to save the state and stop."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)  # this thread is a daemon: it ends with the process
    os._exit(1)


def main() -> None:
    """Run ministack, whose settings are in the environment."""
    threading.Thread(target=follow_parent, daemon=True).start()
    from ministack.app import main as serve  # type: ignore[import-untyped]  # noqa: PLC0415  # slow, and untyped

    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
