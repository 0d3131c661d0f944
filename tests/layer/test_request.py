"""Events, read as requests."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.request import UnreadableBody, address_block, read_request


def request_of(**event):
    return read_request(event, now=1)


def token_of(*authorizations):
    return request_of(multiValueHeaders={"Authorization": list(authorizations)}).token()


def test_a_request_is_what_the_event_says_of_it():
    """An event that says nothing is a request as well: whatever its parts are, they have types."""
    said = {"httpMethod": "POST", "methodArn": "arn:1", "requestContext": {"requestId": "r-1"}}
    for event, parts in (
        (said, ("POST", "arn:1", "r-1")),
        ({}, ("", "", "")),
        (None, ("", "", "")),
    ):
        request = read_request(event, now=5)
        assert (request.method, request.method_arn, request.request_id) == parts
        assert (request.now, request.log) == (5, {})


# ------------------------------------------------------------------ token


@pytest.mark.parametrize("spelling", ["{}", "Bearer {}", "bearer {}", "BEARER {}", " bEARER \t{} "])
def test_a_token_is_found_with_and_without_its_scheme(spelling):
    assert token_of(spelling.format("a.b.c")) == "a.b.c"


@pytest.mark.parametrize("value", ["", " ", "Bearer a b", "a b", "Basic a.b.c", "Bearer: a.b.c"])
def test_a_malformed_token_is_empty(value):
    assert token_of(value) == ""


def test_bearer_alone_is_a_token():
    assert token_of("Bearer") == "Bearer"


@pytest.mark.parametrize("values", [(), ("a.b.c", "a.b.c"), ("a.b.c", ""), ("", "a.b.c")])
def test_more_than_one_header_is_no_token(values):
    assert token_of(*values) == ""


def test_single_headers_are_read_without_multiple_ones():
    assert request_of(headers={"AUTHORIZATION": "a.b.c"}).token() == "a.b.c"
    assert request_of(headers={"authorization": "x"}, multiValueHeaders=None).token() == "x"
    both = request_of(headers={"Authorization": "b"}, multiValueHeaders={"Authorization": ["a"]})
    assert both.token() == "a"


def test_two_spellings_of_a_header_are_two_headers():
    request = request_of(multiValueHeaders={"Authorization": ["a"], "authorization": ["b"]})
    assert request.token() == ""


@pytest.mark.parametrize("between", ["\xa0", "\u2003", "\x1c", "\x85", "\v", "\f", "\r", "\n"])
def test_only_a_space_or_tab_divides_scheme_and_token(between):
    assert token_of(f"Bearer{between}a.b.c") == f"Bearer{between}a.b.c"
    assert token_of(f"a.b.c{between}") == f"a.b.c{between}"


@given(st.text())
def test_a_token_has_no_space(text):
    assert not {" ", "\t"} & set(token_of(text))


# ------------------------------------------------------------------- body


@given(st.binary())
def test_a_body_in_base64_is_decoded(content):
    body = base64.b64encode(content).decode()
    assert request_of(body=body, isBase64Encoded=True).body() == content


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_is_a_body_in_utf_8(text):
    assert request_of(body=text, isBase64Encoded=False).body() == text.encode()


@pytest.mark.parametrize("body", ["{}", "e30", "e30==", "e3 0=", "e30=\n", "e3-_", "é", "=", "e"])
def test_malformed_base64_is_unreadable(body):
    with pytest.raises(UnreadableBody):
        request_of(body=body, isBase64Encoded=True).body()


def test_half_a_character_is_unreadable():
    with pytest.raises(UnreadableBody):
        request_of(body="\ud800").body()


@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": {"user": "joe"}}, {"body": 5}])
def test_a_body_that_is_no_text_is_empty(event):
    assert request_of(**event).body() == b""


@pytest.mark.parametrize("flag", [False, None, "true", 1, 0])
def test_only_true_declares_a_body_base64(flag):
    assert request_of(body="e30=", isBase64Encoded=flag).body() == b"e30="


# ------------------------------------------------------------------- rest


def test_an_empty_event_is_an_empty_request():
    request = read_request({}, now=7)
    assert request == ("", {}, {}, {}, [], "", False, "", "", False, "", False, "", 7, {})


@pytest.mark.parametrize("secret", ["right", "wrong"])
@pytest.mark.parametrize("named", ["DE", "", "de", "D", "DEU", "D1", "ÄÖ", "D "])
def test_a_country_counts_where_the_pages_edge_names_one(secret, named):
    headers = {"X-Page-Secret": secret, "CloudFront-Viewer-Country": named}
    request = read_request({"headers": headers}, 7, "right")
    assert request.country == ("DE" if (secret, named) == ("right", "DE") else "")
    assert request.is_of_page is (secret == "right")


def test_header_names_are_read_in_lower_case():
    headers = request_of(headers={"X-Session-NAME": "Kitchen"}).headers
    assert headers == {"x-session-name": "Kitchen"}


@pytest.mark.parametrize(
    ("event", "query"),
    [
        ({"multiValueQueryStringParameters": {"a": ["1", "2"]}}, {"a": ["1", "2"]}),
        ({"queryStringParameters": {"a": "1"}}, {"a": ["1"]}),
        (
            {"queryStringParameters": {}, "multiValueQueryStringParameters": {"a": ["1"]}},
            {"a": ["1"]},
        ),
        ({"multiValueQueryStringParameters": None, "queryStringParameters": None}, {}),
        ({"multiValueQueryStringParameters": {"a": None}}, {}),
        ({"queryStringParameters": {"a": None}}, {}),
        ({"multiValueQueryStringParameters": {"a": 5}, "queryStringParameters": {}}, {}),
        ({"multiValueQueryStringParameters": {"a": [""]}}, {"a": [""]}),
    ],
)
def test_a_query_has_every_value_of_a_parameter(event, query):
    assert request_of(**event).query == query


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["identity", "requestId", "sourceIp", "id"]), inner)
    ),
    max_leaves=5,
)


MEMBERS = ["httpMethod", "headers", "pathParameters", "requestContext", "body", "isBase64Encoded"]


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_a_malformed_event_is_a_request(event):
    request = read_request(event, now=1)
    assert isinstance(request.method, str)
    assert isinstance(request.request_id, str)
    assert isinstance(request.source_ip, str)
    assert request.token() == ""


# -------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:DB8:0:0:FFFF::1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::1", "::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("not an address", "not an address"),
        ("\ud800", "\ud800"),
        ("203.0.113.7:443", "203.0.113.7:443"),
        ("203.0.113.007", "203.0.113.007"),
    ],
)
def test_an_address_counts_as_its_network(address, block):
    assert address_block(address) == block


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_all_addresses_of_a_64_network_count_as_one(address, host):
    if address.ipv4_mapped is None:
        other = type(address)(int(address) >> 64 << 64 | host)
        if other.ipv4_mapped is None:
            assert address_block(str(address)) == address_block(str(other))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_counts_as_itself_mapped_or_not(address):
    assert address_block(str(address)) == address_block(f"::ffff:{address}") == str(address)
