"""Routes of a product in FastAPI that need a session.

    .venv/bin/python examples/local.py -m hypercorn --bind 127.0.0.1:8000 examples/fastapi/app:app
    curl -i http://127.0.0.1:8000/me -H "Authorization: Bearer $TOKEN"

The first command needs `make run` and `make .venv/examples`; TOKEN is what a login answers. In
an account of AWS, without examples/local.py, the environment names SESSIONS_TABLE and USERS_TABLE,
and `pip install "layers/sessions[fastapi]"` installs what is imported. The numbered lines are those
that a route needs.
"""

import os
from typing import Annotated, Any

from botocore.config import Config
from botocore.session import Session
from fastapi import Depends, FastAPI

from sessions.guards.fastapi import VerifiedSession, Verifier, answer_refusals, protect  # 1

SESSIONS, USERS = os.environ["SESSIONS_TABLE"], os.environ["USERS_TABLE"]
# An outage is told within seconds; and each of Starlette's forty threads has a connection.
QUICKLY = Config(
    connect_timeout=1, read_timeout=1, retries={"mode": "standard"}, max_pool_connections=40
)

app = FastAPI()
dynamodb = Session().create_client("dynamodb", config=QUICKLY)  # 2
verifier = Verifier(dynamodb, sessions_table=SESSIONS, users_table=USERS)  # 3
answer_refusals(app)  # 4
Current = Annotated[VerifiedSession, Depends(protect(verifier, cookie="__Host-session"))]  # 5
# Nobody closes an account whose last login is over five minutes old.
Fresh = Annotated[VerifiedSession, Depends(protect(verifier, cookie="__Host-session", max_age=300))]


@app.get("/me")
def show_session(session: Current) -> dict[str, Any]:  # 6
    """Return the session."""
    return session._asdict()


@app.delete("/me")
def close_account(session: Fresh) -> dict[str, str]:
    """Return whose account was closed."""
    return {"closed": session.user}
