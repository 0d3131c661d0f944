"""Functions, run in this process as Lambda would run them."""

import datetime as dt
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.functions import (
    FunctionError,
    functions_of,
    invoke,
    load_handler,
    load_handlers,
    modules_anew,
    runtime_environment,
    shared_environment,
)
from local.intrinsics import TemplateError


@pytest.fixture
def function(template):
    return functions_of(template)["Echo"]


def test_a_function_knows_what_the_template_says(function, template):
    assert function.arn == "arn:aws:lambda:us-east-1:000000000000:function:Echo"
    assert function.folder == template.root / "functions/echo"
    assert (function.timeout_seconds, function.memory_megabytes) == (5, 128)
    assert function.layers == (template.root / "layer",)


def test_a_handler_sees_json_and_the_context(function):
    def handler(event: Any, context: Any) -> Any:
        assert 4000 < context.get_remaining_time_in_millis() <= 5000
        return [event, context.function_name, context.aws_request_id, context.memory_limit_in_mb]

    assert invoke(function, handler, {"a": (1,)}, "id-1") == [{"a": [1]}, "Echo", "id-1", "128"]


def test_a_handler_cannot_change_the_callers_event(function):
    event = {"a": [1]}
    invoke(function, lambda event, _: event["a"].append(2), event, "id-1")
    assert event == {"a": [1]}


def test_an_exception_keeps_its_class_and_message(function):
    def handler(event: Any, context: Any) -> None:
        raise KeyError("x")

    with pytest.raises(FunctionError) as caught:
        invoke(function, handler, {}, "id-1")
    assert (caught.value.kind, caught.value.message) == ("KeyError", "'x'")


def test_an_answer_that_is_not_json_is_an_error_of_the_function(function):
    with pytest.raises(FunctionError, match="not JSON serializable"):
        invoke(function, lambda *_: dt.datetime.now(dt.UTC), {}, "id-1")


def test_handlers_of_the_same_file_name_are_not_mixed_up(template):
    functions = functions_of(template)
    echo, authorize = load_handler(functions["Echo"]), load_handler(functions["Authorize"])
    assert echo.__module__ != authorize.__module__
    assert sys.modules[echo.__module__].__file__ == str(functions["Echo"].folder / "app.py")


def test_a_function_without_code_says_which_file_is_missing(function):
    with pytest.raises(TemplateError, match=r"app\.py"):
        load_handler(replace(function, folder=Path("/nowhere")))


def test_a_function_without_its_handler_says_so(function):
    with pytest.raises(TemplateError, match="no other"):
        load_handler(replace(function, handler="app.other"))


def test_a_function_is_imported_with_its_layers_and_environment(template, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("TABLE", "another")
    monkeypatch.setenv("ORIGINS", "")
    load_handlers(functions_of(template), {})
    assert str(template.root / "layer") in sys.path


def test_after_an_import_that_failed_all_is_as_it_was(function, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before, environment = load_handler(function), dict(os.environ)
    name = before.__module__

    @modules_anew([function.folder])
    def fail() -> None:
        assert name not in sys.modules
        assert load_handler(function) is not before
        os.environ["TABLE"] = "of the new template"
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert sys.modules[name].handler is before
    assert dict(os.environ) == environment


def test_functions_that_disagree_on_a_variable_are_refused(function):
    other = replace(function, name="Other", environment={"TABLE": "another"})
    with pytest.raises(TemplateError, match="Other has another TABLE"):
        shared_environment([function, other])


def test_an_engine_on_this_machine_gets_credentials_that_are_none():
    found = runtime_environment("http://127.0.0.1:4566", {})
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert found["AWS_ACCESS_KEY_ID"] == "local"


def test_credentials_and_the_region_that_are_set_are_kept_for_aws():
    found = runtime_environment("", {"AWS_REGION": "eu-north-1"})
    assert (found["AWS_REGION"], found["AWS_ENDPOINT_URL"]) == ("eu-north-1", "")
    assert "AWS_ACCESS_KEY_ID" not in found
    assert "AWS_ACCESS_KEY_ID" not in runtime_environment("http://x", {"AWS_ACCESS_KEY_ID": "mine"})
