"""Routes of a product in Django that need a session.

    .venv/bin/python examples/local.py examples/django/app.py runserver 127.0.0.1:8000
    curl -i http://127.0.0.1:8000/me -H "Authorization: Bearer $TOKEN"

The first command needs `make run` and `make .venv/examples`; TOKEN is what a login answers. In
an account of AWS, without examples/local.py, the environment names SESSIONS_TABLE and USERS_TABLE,
and `pip install "layers/sessions[django]"` installs what is imported. The numbered lines are those
that a route needs.
"""

import os
import sys

from botocore.config import Config
from botocore.session import Session
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import path

from sessions.guards.django import Verifier, protect  # 1

SESSIONS, USERS = os.environ["SESSIONS_TABLE"], os.environ["USERS_TABLE"]
QUICKLY = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard"})

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"])
dynamodb = Session().create_client("dynamodb", config=QUICKLY)  # 2
verifier = Verifier(dynamodb, sessions_table=SESSIONS, users_table=USERS)  # 3


@protect(verifier, cookie="__Host-session")  # 4
def show_session(request: HttpRequest) -> JsonResponse:
    """Return the session."""
    return JsonResponse(request.verified_session._asdict())  # 5


# Nobody closes an account whose last login is over five minutes old.
@protect(verifier, cookie="__Host-session", max_age=300)
def close_account(request: HttpRequest) -> JsonResponse:
    """Return whose account was closed."""
    return JsonResponse({"closed": request.verified_session.user})


def me(request: HttpRequest) -> JsonResponse:
    """Show the session, or close the account."""
    return close_account(request) if request.method == "DELETE" else show_session(request)


urlpatterns = [path("me", me)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
