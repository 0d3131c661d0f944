"""The one botocore session of a function, and the clients made from it."""

import logging
from typing import Any

from botocore.config import Config
from botocore.session import Session

# A call takes at most three attempts of two seconds and botocore's jittered pauses between
# them: under 10 s, inside the function's 15 s, inside the gateway's 29 s.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 3},
    # Both cost time at each call: checks of parameters, which AWS makes itself, and a User-Agent
    # that describes the machine.
    parameter_validation=False,
    user_agent="sessions",
)
_session = Session()

# Below WARNING botocore logs whole requests and answers, with hashes and signing keys. A function
# whose log level is turned down must not show them.
_log = logging.getLogger("botocore")
_log.setLevel(max(_log.level, logging.WARNING))


def client(service: str) -> Any:
    """Return a botocore client for `service`; make it at import, where time is cheap."""
    return _session.create_client(service, config=_CONFIG)
