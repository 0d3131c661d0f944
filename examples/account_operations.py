"""How a product's back end calls account operations: for the programs of this folder that log in.

In an account of AWS the back end's role has the policy that the output IssueSessionsPolicy names,
and the environment has the function's name, which is an output, too.
"""

import json
import os
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from fastapi import HTTPException

# What a user may learn. All else is a fault of the product or of AWS, and no refusal.
REFUSALS = {
    "UserBanned": (403, "The account is banned"),
    "UnknownUser": (401, "There is no such account any more"),
    "UserTaken": (409, "An account has this e-mail address: log in to it as before"),
}
# One attempt, as long as a function may take: a second one would begin a second session.
ONCE = Config(connect_timeout=1, read_timeout=20, retries={"total_max_attempts": 1})
_functions = Session().create_client("lambda", config=ONCE)


def call(function: str, **given: str) -> dict[str, Any]:
    """Call the operation whose function's name the environment has under `function`."""
    try:
        answer = _functions.invoke(
            FunctionName=os.environ[function], Payload=json.dumps(given).encode()
        )
        result: dict[str, Any] = json.load(answer["Payload"])
    except (BotoCoreError, ClientError) as error:
        raise HTTPException(503, "Try again") from error
    if "FunctionError" in answer:
        raise HTTPException(*REFUSALS.get(result["errorType"], (503, "Try again")))
    return result
