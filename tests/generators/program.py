"""A program with the client that openapi-python-client makes; it prints what it did and saw."""

import json
import sys

from generated.api.sessions import (
    create_session,
    delete_all_sessions,
    delete_sessions,
    get_current_session,
    list_sessions,
)
from generated.client import AuthenticatedClient, Client
from generated.models import (
    AllButSelf,
    BulkDelete,
    Credentials,
    CredentialsForm,
    CredentialsMultipart,
    Error,
    MissingFields,
    SessionIds,
    SessionIdsForm,
    SessionIdsMultipart,
    SessionList,
    SuccessfulAuth,
)

url, user, password = sys.argv[1:]
anybody = Client(base_url=url)
tokens = []
for credentials in (
    Credentials(user, password, remember_me=True),
    CredentialsForm(user, password, remember_me=True),
    CredentialsMultipart(user, password),
    Credentials(user, password),
    CredentialsForm(user, password),
):
    login = create_session.sync(client=anybody, body=credentials)
    assert isinstance(login, SuccessfulAuth), login
    tokens.append(login.token)

somebody = AuthenticatedClient(base_url=url, token=tokens[-1])
page = list_sessions.sync(client=somebody)
assert isinstance(page, SessionList), page

this, *others = (session.iat for session in page.items)
counts = []
for ids in (
    SessionIds([others[0], str(others[1])]),
    SessionIdsForm([others[2]]),
    SessionIdsMultipart([others[2], this + 1]),
):
    ended = delete_sessions.sync(client=somebody, body=ids)
    assert isinstance(ended, BulkDelete), ended
    counts.append(ended.count)
rest = delete_all_sessions.sync(client=somebody, all_but_self=AllButSelf.TRUE)
assert isinstance(rest, BulkDelete), rest

wrong = create_session.sync(client=anybody, body=Credentials(user, "wrong"))
assert isinstance(wrong, Error), wrong
missing = create_session.sync(client=anybody, body=Credentials(user, ""))
assert isinstance(missing, MissingFields), missing
over = get_current_session.sync(client=AuthenticatedClient(base_url=url, token=tokens[0]))
assert isinstance(over, Error), over
counts = [page.count, *counts, rest.count]
refused = {"wrong": wrong.code, "missing": missing.fields, "over": over.reason}
print(json.dumps({"counts": counts, **refused}))
