"""With tables that exist, nothing in the stack points to tables of its own."""

import json
import re
import time
from typing import Any

import pytest

from local.intrinsics import Scope
from local.template import arn, load_template

PLACES = re.compile(r"\b(?:UsersTable\.StreamArn|UsersTable|LoginsTable)\b")
EXISTING = {
    "UsersTable": "people-restored",
    "UsersTable.StreamArn": f"{arn('AWS::DynamoDB::Table', 'people-restored')}/stream/2026",
    "LoginsTable": "names-restored",
}
PARAMETERS = {
    "ExistingUsersTable": EXISTING["UsersTable"],
    "ExistingUsersStream": EXISTING["UsersTable.StreamArn"],
    "ExistingLoginsTable": EXISTING["LoginsTable"],
}


def stack(**parameters: Any) -> dict[str, Any]:
    """Return all that CloudFormation would be asked for: resources and outputs."""
    template = load_template(parameters=parameters)
    conditions = template.source["Conditions"]
    scope = Scope(template.parameters, conditions, lambda name, _: name)
    outputs = {
        f"output {name}": output["Value"]
        for name, output in template.source["Outputs"].items()
        if "Condition" not in output
    }
    return {**template.resources, **scope.resolve(outputs)}


def test_every_place_that_names_a_table_names_the_given_one_and_nothing_else_changes(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000)  # SAM names deployments by it
    own, given = stack(), stack(**PARAMETERS)
    assert not {"UsersTable", "LoginsTable"} & given.keys()
    assert not PLACES.search(json.dumps(list(given.values())))
    del own["UsersTable"], own["LoginsTable"]
    # The one table that changes with them: it is replaced by an empty one, and its old one deleted.
    own["SessionsTable"]["Properties"]["TableName"] = "people-restored-sessions"
    for name, value in own.items():
        moved = PLACES.sub(lambda place: EXISTING[place[0]], json.dumps(value))
        assert json.loads(moved) == given[name], name
    assert own.keys() == given.keys()


def test_the_other_table_of_sessions_is_another_for_each_table_of_users():
    names = {
        stack(**PARAMETERS | {"ExistingUsersTable": users})["SessionsTable"]["Properties"][
            "TableName"
        ]
        for users in ("a", "b")
    }
    assert names == {"a-sessions", "b-sessions"}
    assert stack()["SessionsTable"]["UpdateReplacePolicy"] == "Delete"


@pytest.mark.parametrize("given", range(2**3))
def test_the_three_parameters_come_together(given):
    values = [
        value if given & 1 << place else "" for place, value in enumerate(PARAMETERS.values())
    ]
    template = load_template(parameters=dict(zip(PARAMETERS, values, strict=True)))
    (rule,) = template.source["Rules"]["ExistingTablesComeTogether"]["Assertions"]
    scope = Scope(template.parameters, {}, lambda name, _: name)
    assert scope.resolve(rule["Assert"]) == (given in {0b000, 0b111})
