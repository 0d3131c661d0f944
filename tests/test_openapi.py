"""docs/openapi.yaml says what the template and the functions do, and no more."""

import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator, ValidationError

from local.routes import api_of
from sessions import body, errors, model, proof, session_name
from sessions.body import parse
from sessions.request import read_request
from tests.support import records
from tests.support.contract import API, CANONICAL, ERRORS, EVERY_ANSWER, SHORT, TEMPLATE, UP, paths
from tests.support.openapi import DOCUMENT, OPERATIONS, examples, resolved
from tests.support.operations import ROUTES

COMPONENTS = DOCUMENT["components"]
# The answers of every route, and of every route that needs a token.
ANY = {
    413: "BodyTooLarge",
    429: "RateLimited",
    500: "Internal",
    503: "Unavailable",
    504: "Unavailable",
}
AUTHENTICATED = {401: "InvalidSession", 403: "Banned"}
# Errors that say all that those of their shape can.
WHOLE = {"Error": errors.InvalidSession(reason="all"), "Banned": errors.Banned("spam", 1)}
BODIES = {name: route.body for name, route in ROUTES.items() if route.body}


def app(folder: str) -> Any:
    return importlib.import_module(f"functions.{folder}.app")


def fields_of(folder: str) -> Any:
    """Return the fields that a function reads: `SessionIds` of the document is its SESSION_IDS."""
    return getattr(app(folder), re.sub(r"(?<=[a-z])(?=[A-Z])", "_", BODIES[folder]).upper())


def is_any(method: str) -> bool:
    return method == "x-amazon-apigateway-any-method"


# Not the mocks, but for the root's: preflight requests, and what no operation answers.
DESCRIBED = [
    (path, method, definition)
    for path, methods in API["paths"].items()
    for method, definition in methods.items()
    if method != "options" and (path == "/" or not is_any(method))
]


def at(folder: str, spelling: int) -> dict[str, Any]:
    """Return the operation of a function, at one of its paths."""
    path = paths(folder)[spelling]
    found = [
        definition
        for (_, described), definition in OPERATIONS.items()
        if described == path and definition["operationId"].removesuffix("_short") == folder
    ]
    assert len(found) == 1, (folder, path)
    return found[0]


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a part of the document."""
    if isinstance(node, dict):
        yield node
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict | list):
            yield from objects(value)


def response_of(name: str, status: int) -> str:
    """Return what a structure or an error of a status is called in components/responses."""
    # The one error of two statuses, the second of which lacks a header.
    return "InvalidSession404" if (name, status) == ("InvalidSession", 404) else name


def shape_of(error: errors.ApiError) -> str:
    """Return what components/schemas calls an error: the shape of most, or one of its own name."""
    name = type(error).__name__
    return name if name in COMPONENTS["schemas"] else "Error"


def assert_fits(value: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": COMPONENTS}  # so that its references lead somewhere
    Draft202012Validator.check_schema(whole)
    Draft202012Validator(whole).validate(value)


def test_it_is_a_valid_openapi_document():
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_the_root_answers_what_it_describes():
    assert_fits(UP, COMPONENTS["schemas"]["Up"])


def test_it_has_the_templates_routes_and_no_others():
    # The root answers any method alike, which OpenAPI cannot say.
    assert set(OPERATIONS) == {
        ("get" if is_any(method) else method, path) for path, method, _ in DESCRIBED
    }


def test_it_serves_at_the_templates_stage():
    stage = api_of(TEMPLATE).stage
    assert all(server["url"].endswith(f"/{stage}") for server in DOCUMENT["servers"])


@pytest.mark.parametrize("folder", ROUTES)
def test_an_operation_is_called_as_its_function_and_is_the_same_at_both_of_its_paths(folder):
    canonical, short = at(folder, CANONICAL), at(folder, SHORT)
    assert canonical["operationId"] == folder
    assert short["operationId"] == f"{folder}_short"
    own = {"operationId", "tags", "description"}
    assert {name: value for name, value in canonical.items() if name not in own} == {
        name: value for name, value in short.items() if name not in own
    }


def test_a_token_is_asked_for_where_the_template_has_one_checked():
    schemes = COMPONENTS["securitySchemes"]
    assert (schemes["token"]["type"], schemes["token"]["in"]) == ("apiKey", "header")
    assert schemes["token"]["name"] == "Authorization"
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    for path, method, route in DESCRIBED:
        operation = OPERATIONS["get" if is_any(method) else method, path]
        checked = {"SessionAuthorizer": []} in route.get("security", [])
        expected = [{"token": []}, {"bearer": []}] if checked else []
        assert operation.get("security", DOCUMENT["security"]) == expected, (method, path)


@pytest.mark.parametrize("folder", ROUTES)
def test_an_operation_has_the_answers_of_the_contract(folder):
    route = ROUTES[folder]
    expected = {**route.answers, **ANY, **(AUTHENTICATED if route.needs_token else {})}
    assert at(folder, CANONICAL)["responses"] == {
        str(status): {"$ref": f"#/components/responses/{response_of(name, status)}"}
        for status, name in expected.items()
    }


def test_every_error_is_described_in_the_layers_words():
    described: dict[tuple[int, str], list[tuple[dict[str, Any], Any]]] = {}
    for operation in OPERATIONS.values():
        for status, answer in operation["responses"].items():
            for example in examples(answer) if int(status) >= 400 else []:
                shown = described.setdefault((int(status), example["code"]), [])
                shown.append((resolved(answer), example))
    found = {(error.status, error.code): error for error in ERRORS}
    nowhere = found.pop((404, errors.InvalidEndpoint.code))
    found[504, errors.Unavailable.code] = errors.Unavailable()  # the gateway's: it waits no longer
    assert described.keys() == found.keys()
    for which, error in found.items():
        words = {"code": error.code, "message": error.message}
        reference = {"$ref": f"#/components/schemas/{shape_of(error)}"}
        for response, example in described[which]:
            assert {**example, **words} == example
            assert error.headers.keys() <= response["headers"].keys()
            schema = response["content"]["application/json"]["schema"]
            assert reference in schema.get("anyOf", [schema])
        shape = resolved(reference)
        whole = WHOLE.get(shape_of(error), error).body()
        assert set(shape["required"]) == set(error.body())
        assert set(shape["properties"]) == set(whole)
        assert_fits(whole, shape)
        assert shape["additionalProperties"] is False
        assert_fits(error.body(), shape)
    body = json.dumps(nowhere.body(), separators=(",", ":"))
    assert f"answered {nowhere.status} `{body}`" in DOCUMENT["info"]["description"]


@pytest.mark.parametrize("name", COMPONENTS["responses"])
def test_an_answer_has_the_headers_of_every_answer_and_an_example_that_fits(name):
    response = COMPONENTS["responses"][name]
    headers = {header.lower(): resolved(node) for header, node in response["headers"].items()}
    for header, value in EVERY_ANSWER.items():
        if header != "content-type":
            assert headers[header]["schema"] == {"const": value}
            assert headers[header]["required"]
    assert headers["x-request-id"]["required"]
    assert list(response["content"]) == [EVERY_ANSWER["content-type"]]
    for example in examples(response):
        assert_fits(example, response["content"]["application/json"]["schema"])


def test_the_headers_of_refusals_are_described():
    headers = COMPONENTS["headers"]
    scheme = errors.InvalidSession.headers["WWW-Authenticate"]
    assert headers["WWW-Authenticate"]["schema"] == {"const": scheme}
    limits = set(errors.RateLimited(1, 2, 1).headers)
    assert limits <= COMPONENTS["responses"]["RateLimited"]["headers"].keys()
    # Where the stage throttles, the authorizer had not been asked, which says the limit; when a
    # bucket is full again, the gateway never says.
    optional = {name for name in limits if "required" not in headers[name]}
    assert optional == {"X-RateLimit-Limit", "X-RateLimit-Reset"}


def constraints(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a schema demands, without its words; what is in an array is not compared."""
    said = {"title", "description", "format", "items", "default"}
    return {name: value for name, value in schema.items() if name not in said}


@pytest.mark.parametrize(("folder", "name"), BODIES.items())
def test_a_body_is_what_the_function_takes(folder, name):
    described = COMPONENTS["schemas"][name]
    taken = fields_of(folder)
    assert {field: constraints(schema) for field, schema in described["properties"].items()} == {
        field: constraints(schema) for field, schema in taken.items()
    }
    assert described["required"] == [
        field for field, schema in taken.items() if "default" not in schema
    ]
    for example in described["examples"]:
        assert_fits(example, described)
        parse(read_request({"body": json.dumps(example)}, 0), taken, app(folder).LARGEST_BODY_BYTES)


@pytest.mark.parametrize("name", BODIES.values())
def test_a_body_may_be_of_all_types_that_are_read(name):
    body = COMPONENTS["requestBodies"][name]
    assert body["required"]
    assert {
        media_type: content["schema"]["$ref"].rpartition("/")[2]
        for media_type, content in body["content"].items()
    } == {
        "application/json": name,
        "application/x-www-form-urlencoded": f"{name}Form",
        "multipart/form-data": f"{name}Multipart",
    }
    for schema in (f"{name}Form", f"{name}Multipart"):
        for example in COMPONENTS["schemas"][name]["examples"]:
            assert_fits(example, COMPONENTS["schemas"][schema])
        for field in COMPONENTS["schemas"][name]["required"]:
            with pytest.raises(ValidationError):
                assert_fits({**example, field: None}, COMPONENTS["schemas"][schema])


def test_it_says_how_large_a_body_may_be_and_how_many_fields_a_form_has():
    words = COMPONENTS["responses"]["BodyTooLarge"]["description"]
    for folder in BODIES:
        assert f"({app(folder).LARGEST_BODY_BYTES:,} bytes)" in words
    for name in BODIES.values():
        words = COMPONENTS["requestBodies"][name]["description"]
        assert f"at most {body.MOST_FIELDS:,} fields" in words


def test_only_the_operations_that_read_a_body_have_one():
    for folder in ROUTES:
        name = BODIES.get(folder)
        body = {"$ref": f"#/components/requestBodies/{name}"} if name else None
        assert at(folder, CANONICAL).get("requestBody") == body


def test_the_fields_that_may_be_wrong_are_those_of_the_bodies_and_the_query():
    bodies = (COMPONENTS["schemas"][name]["properties"] for name in BODIES.values())
    query = (node["name"] for node in COMPONENTS["parameters"].values() if node["in"] == "query")
    fields = COMPONENTS["schemas"]["FieldName"]["enum"]
    assert set(fields) == {*(name for body in bodies for name in body), *query}


def test_a_parameter_takes_what_the_function_takes():
    described = {name: node["schema"] for name, node in COMPONENTS["parameters"].items()}
    longest_page = app("list_sessions").LONGEST_PAGE
    assert described["limit"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": longest_page,
    }
    assert f"; {longest_page} without it" in COMPONENTS["parameters"]["limit"]["description"]
    assert described["offset"] == {"type": "integer", "minimum": 0}
    choices = app("delete_all_sessions").CHOICES
    assert resolved(described["allButSelf"])["enum"] == list(choices)
    longest_name = session_name._LONGEST_NAME
    assert described["X-Session-Name"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": longest_name,
    }
    for node in COMPONENTS["parameters"].values():
        assert_fits(node["example"], resolved(node["schema"]))
    schemas = COMPONENTS["schemas"]
    assert schemas["Session"]["properties"]["name"]["maxLength"] == longest_name
    assert schemas["SessionList"]["properties"]["items"]["maxItems"] == longest_page
    largest = schemas["SessionId"]["maximum"]
    assert model.parse_session_id(largest) == model.parse_session_id(str(largest)) == largest
    assert model.parse_session_id(largest + 1) is None
    assert model.parse_session_id(schemas["SessionId"]["minimum"] - 1) is None


def test_a_session_is_described_as_it_is_shown_and_a_token_as_it_is_checked():
    session = COMPONENTS["schemas"]["Session"]
    assert set(records.session().as_json()) == set(session["required"])
    shown = records.session(by="Anna", until=9, address="203.0.113.7", country="FR")
    assert set(shown.as_json()) == set(session["properties"])
    token = COMPONENTS["schemas"]["SuccessfulAuth"]["properties"]["token"]
    part = "[A-Za-z0-9_-]"
    signature = f"{part}{{{proof._SIGNATURE_CHARACTERS}}}"
    assert token["pattern"] == rf"^{part}+\.{part}+\.{signature}$"
    assert set(proof._CHARACTERS) == {c for c in map(chr, range(128)) if re.match(part, c)} | {"."}
    assert token["maxLength"] == proof._LARGEST_TOKEN_CHARACTERS


def test_generators_make_one_model_of_each_thing_and_require_nothing_else():
    """What has no name gets a model of each operation that it stands in."""
    for part in ("requestBodies", "responses"):
        for node in COMPONENTS[part].values():
            for content in node["content"].values():
                shapes = content["schema"].get("anyOf", [content["schema"]])
                assert [list(shape) for shape in shapes] == [["$ref"]] * len(shapes)
    named = [schema for schema in COMPONENTS["schemas"].values() if "enum" in schema]
    assert [node for node in objects(DOCUMENT) if "enum" in node] == named
    # A member that has one is taken for required.
    assert not [node for node in objects(COMPONENTS) if "default" in node]


def test_nothing_in_it_is_unused_and_every_link_leads_to_an_operation():
    used = {node["$ref"] for node in objects(DOCUMENT) if "$ref" in node}
    assert used == {
        f"#/components/{kind}/{name}"
        for kind, parts in COMPONENTS.items()
        if kind != "securitySchemes"
        for name in parts
    }
    operations = {operation["operationId"] for operation in OPERATIONS.values()}
    assert len(operations) == len(OPERATIONS)
    for response in COMPONENTS["responses"].values():
        assert {link["operationId"] for link in response.get("links", {}).values()} <= operations
