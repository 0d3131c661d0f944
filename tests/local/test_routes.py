"""Which method a request is for."""

import pytest

from local.routes import Api, route_of

PATHS = {
    "/": {"get": {"is": "root"}},
    "/a": {"get": {"is": "a"}, "x-amazon-apigateway-any-method": {"is": "any a"}},
    "/a/{id}": {"get": {"is": "item"}},
    "/a/all": {"delete": {"is": "all"}},
    "/some/{name}/thing": {"options": {"is": "thing"}},
    "/{proxy+}": {"options": {"is": "proxy"}},
}
API = Api("api", "v1", {"paths": PATHS}, frozenset())


@pytest.mark.parametrize(
    ("method", "path", "found", "parameters"),
    [
        ("GET", "/v1", "root", {}),
        ("GET", "/v1/", "root", {}),
        ("GET", "/v1/a", "a", {}),
        ("PUT", "/v1/a", "any a", {}),
        ("GET", "/v1/a/7", "item", {"id": "7"}),
        ("GET", "/v1/a/x%2Fy%20z", "item", {"id": "x/y z"}),
        ("GET", "/v1/a/%2525", "item", {"id": "%25"}),
        ("DELETE", "/v1/a/all", "all", {}),
        ("OPTIONS", "/v1/some/other/thing", "thing", {"name": "other"}),
        ("OPTIONS", "/v1/some/other/thing/", "proxy", {"proxy": "some/other/thing/"}),
        ("OPTIONS", "/v1/x/y/", "proxy", {"proxy": "x/y/"}),
        ("OPTIONS", "/v1/a/b/c", "proxy", {"proxy": "a/b/c"}),
    ],
)
def test_a_path_finds_its_most_specific_resource(method, path, found, parameters):
    route = route_of(API, method, path)
    assert route is not None
    assert (route.definition["is"], route.path_parameters) == (found, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v2/a"),
        ("GET", "/v1x"),
        ("GET", "v1/a"),
        ("GET", "*"),
        ("GET", "/v1/a/"),
        ("GET", "/v1//a"),
        ("GET", "/v1/b"),
        ("GET", "/v1/a/all"),  # the static resource wins, though it lacks the method
        ("GET", "/v1/A"),
        ("OPTIONS", "/v1/a/7"),
    ],
)
def test_what_no_method_serves_finds_nothing(method, path):
    assert route_of(API, method, path) is None
