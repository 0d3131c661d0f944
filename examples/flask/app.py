"""Routes of a product in Flask that need a session.

    .venv/bin/python examples/local.py -m flask --app examples/flask/app run --port 8000
    curl -i http://127.0.0.1:8000/me -H "Authorization: Bearer $TOKEN"

The first command needs `make run` and `make .venv/examples`; TOKEN is what a login answers. In
an account of AWS, without examples/local.py, the environment names SESSIONS_TABLE and USERS_TABLE,
and `pip install "layers/sessions[flask]"` installs what is imported. The numbered lines are those
that a route needs.
"""

import os
from typing import Any

from botocore.config import Config
from botocore.session import Session
from flask import Flask, g

from sessions.guards.flask import Verifier, protect  # 1

SESSIONS, USERS = os.environ["SESSIONS_TABLE"], os.environ["USERS_TABLE"]
QUICKLY = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard"})

app = Flask(__name__)
dynamodb = Session().create_client("dynamodb", config=QUICKLY)  # 2
verifier = Verifier(dynamodb, sessions_table=SESSIONS, users_table=USERS)  # 3


@app.get("/me")
@protect(verifier, cookie="__Host-session")  # 4
def show_session() -> dict[str, Any]:
    """Return the session."""
    return g.verified_session._asdict()  # 5


# Nobody closes an account whose last login is over five minutes old.
@app.delete("/me")
@protect(verifier, cookie="__Host-session", max_age=300)
def close_account() -> dict[str, str]:
    """Return whose account was closed."""
    return {"closed": g.verified_session.user}
