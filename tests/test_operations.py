"""The catalogue of operations is complete, and what belongs to an operation is called like it."""

from local.functions import functions_of
from tests.support.contract import TEMPLATE, routes_of
from tests.support.events import EVENTS, ROOT
from tests.support.operations import OPERATIONS, ROUTES

NO_OPERATIONS = {"local-env"}  # settings of `sam local invoke`
FUNCTIONS = functions_of(TEMPLATE)


def test_each_operation_has_a_folder_an_event_a_test_and_a_function_in_the_template():
    assert {folder.parent.name for folder in ROOT.glob("functions/*/app.py")} == set(OPERATIONS)
    assert {file.stem for file in EVENTS.glob("*.json")} - NO_OPERATIONS == set(OPERATIONS)
    tests = {file.stem.removeprefix("test_") for file in ROOT.glob("tests/functions/test_*.py")}
    assert set(OPERATIONS) <= tests
    assert {operation.function for operation in OPERATIONS.values()} == set(FUNCTIONS)
    assert {function.folder.name for function in FUNCTIONS.values()} == set(OPERATIONS)


def test_each_test_of_functions_is_of_one_operation_or_of_something_they_have_in_common():
    alike = {"every", "refusals", "inputs", "attempts", "behind", "interleavings", "restored"}
    alike |= {"vectors", "unknown", "new"}
    for file in ROOT.glob("tests/functions/test_*.py"):
        name = file.stem.removeprefix("test_")
        assert name in OPERATIONS or alike & set(name.split("_")), name


def test_the_routes_are_those_of_the_template():
    answering = {name for name, operation in OPERATIONS.items() if routes_of(operation.function)}
    assert answering == set(ROUTES)
