"""The template as AWS would see it."""

import json
import os

import pytest
import yaml

from local.functions import functions_of, shared_environment
from local.intrinsics import TemplateError
from local.routes import api_of
from local.template import load_template, read


def test_every_name_in_our_template_is_resolved(ours):
    text = json.dumps(ours.resources)
    assert '"Fn::' not in text
    assert '"Ref"' not in text


def test_every_function_of_our_template_has_its_code(ours):
    for function in functions_of(ours).values():
        module, _, _ = function.handler.rpartition(".")
        assert (function.folder / f"{module}.py").is_file()
        assert all(layer.is_dir() for layer in function.layers)


def test_the_functions_of_our_template_agree_on_their_environment(ours):
    assert "SessionsTable" in shared_environment(functions_of(ours).values()).values()


def test_our_api_has_routes_of_functions_and_of_the_definition(ours):
    paths = api_of(ours).body["paths"]
    assert {"post", "get", "options"} <= set(paths["/user/session"])


def test_a_parameter_that_is_given_replaces_its_default(project):
    template = load_template(project, {"AllowedOrigins": "http://x, http://y"})
    echo = functions_of(template)["Echo"]
    assert echo.environment == {"TABLE": "Table", "ORIGINS": "http://x,http://y"}


def test_a_parameter_may_be_given_as_a_list(project):
    template = load_template(project, {"AllowedOrigins": ["http://x", "http://y"]})
    assert template.parameters["AllowedOrigins"] == ["http://x", "http://y"]


def test_a_parameter_that_does_not_exist_is_refused(project):
    with pytest.raises(TemplateError, match="Nonsense"):
        load_template(project, {"Nonsense": 1})


def test_a_name_that_does_not_exist_is_refused(project):
    project.write_text(project.read_text().replace("!Ref Table", "!Ref Tabel"))
    with pytest.raises(TemplateError, match="Tabel"):
        load_template(project)


def test_a_resource_whose_condition_is_false_is_left_out(project):
    text = project.read_text().replace("  Table:\n", "  Table:\n    Condition: Never\n")
    project.write_text(text + 'Conditions: {Never: !Equals ["a", "b"]}\n')
    assert load_template(project).resources_of("AWS::DynamoDB::Table") == {}


def test_nodes_that_share_an_anchor_are_not_one_object(tmp_path):
    (tmp_path / "t.yaml").write_text("a: &a {x: !Ref Y}\nb: *a\nc: {<<: *a, z: 1}\n")
    document = read(tmp_path / "t.yaml")
    assert document == {
        "a": {"x": {"Ref": "Y"}},
        "b": {"x": {"Ref": "Y"}},
        "c": {"x": {"Ref": "Y"}, "z": 1},
    }
    assert document["a"] is not document["b"]


def test_nobody_elses_yaml_learns_our_tags(ours):
    with pytest.raises(yaml.constructor.ConstructorError):
        yaml.safe_load("!Ref X")


def test_loading_a_template_leaves_the_environment_as_it_was(project, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "one-that-does-not-exist")
    before = dict(os.environ)
    load_template(project)
    assert dict(os.environ) == before
