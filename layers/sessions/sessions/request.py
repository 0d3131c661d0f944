"""Events from API Gateway, read as requests.

The gateway's event (payload format 1.0) has nulls for absent members, and an event that is written
by hand has less than that. So each absent member reads as empty.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, NamedTuple

# A back end's secret, whose hash many may read: a shorter one could be guessed by it.
SHORTEST_SECRET = 32


class UnreadableBody(Exception):
    """The body is not the base64 that the event says it is, or no text."""


class Request(NamedTuple):
    """One HTTP request, or the authorizer's question whether it may be made.

    Attributes:
        method: the HTTP method.
        path_parameters: the values of the route's variables.
        query: the values of each query parameter.
        headers: the last value of each header, by its lower-case name.
        authorizations: every value of the header `Authorization`.
        raw_body: the body as the event has it.
        body_is_base64: whether `raw_body` is base64.
        request_id: the gateway's ID of the request.
        source_ip: the caller's address, also where CloudFront or a trusted back end stands between.
        is_of_page: whether the page's CloudFront sends it (docs/decisions/0012).
        country: where CloudFront says the caller is, in two letters (ISO 3166-1 alpha-2), or empty.
        is_of_back_end: whether a back end that the operator trusts sends it (docs/decisions/0020).
        method_arn: the method that the authorizer is asked about; empty elsewhere.
        now: when the request arrived, in epoch seconds.
        log: more fields for the call's log line; handlers add to it.
    """

    method: str
    path_parameters: dict[str, str]
    query: dict[str, list[str]]
    headers: dict[str, str]
    authorizations: list[str]
    raw_body: str
    body_is_base64: bool
    request_id: str
    source_ip: str
    is_of_page: bool
    country: str
    is_of_back_end: bool
    method_arn: str
    now: int
    log: dict[str, object]

    def token(self) -> str:
        """Return the token of the `Authorization` header, as `token_in` has it."""
        return token_in(self.authorizations)

    @property
    def wants_cookie(self) -> bool:
        """Say whether a login's token is to be a cookie (docs/decisions/0022)."""
        return (
            self.is_of_page
            and self.headers.get("x-session-cookie") == "true"
            and self.headers.get("sec-fetch-site") == "same-origin"
        )

    @property
    def is_by_cookie(self) -> bool:
        """Say whether CloudFront took the token from the cookie."""
        return self.is_of_page and self.headers.get("x-session-from-cookie") == "true"

    def body(self) -> bytes:
        """Return the body's bytes.

        Raises:
            UnreadableBody: it cannot be decoded.
        """
        if not self.body_is_base64:
            try:
                return self.raw_body.encode()
            except UnicodeEncodeError as error:
                raise UnreadableBody from error
        try:
            return base64.b64decode(self.raw_body, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UnreadableBody from error


def read_request(
    event: Any, now: int, page_secret: str = "", back_end_secret_hashes: Sequence[str] = ()
) -> Request:
    """Return the request that `event` describes.

    Args:
        event: the event of API Gateway.
        now: when it arrived, in epoch seconds.
        page_secret: the secret of the page's CloudFront distribution; empty where there is none.
        back_end_secret_hashes: the SHA-256 of the secrets of back ends that the operator trusts.
    """
    event = event if isinstance(event, dict) else {}
    context = _members(event, "requestContext")
    identity = _members(context, "identity")
    headers = {name.lower(): value for name, value in _texts(event, "headers").items()}
    query = _lists(event, "multiValueQueryStringParameters") or {
        name: [value] for name, value in _texts(event, "queryStringParameters").items()
    }
    is_of_page = _is_of_page(headers, page_secret)
    is_of_back_end = _is_of_back_end(headers, back_end_secret_hashes)
    is_believed = is_of_back_end or is_of_page
    named = _address_of(_values(event, headers, "x-viewer-address")) if is_believed else ""
    body = event.get("body")
    return Request(
        method=str(event.get("httpMethod") or ""),
        path_parameters=_texts(event, "pathParameters"),
        query=query,
        headers=headers,
        authorizations=_values(event, headers, "authorization"),
        raw_body=body if isinstance(body, str) else "",
        body_is_base64=event.get("isBase64Encoded") is True,
        request_id=str(context.get("requestId") or ""),
        source_ip=named or str(identity.get("sourceIp") or ""),
        is_of_page=is_of_page,
        country=_country_of(headers) if is_of_page else "",
        is_of_back_end=is_of_back_end,
        method_arn=str(event.get("methodArn") or ""),
        now=now,
        log={},
    )


def _is_of_page(headers: dict[str, str], secret: str) -> bool:
    """Say whether the page's CloudFront sent the request (docs/decisions/0012)."""
    given = headers.get("x-page-secret", "").encode(errors="surrogatepass")
    return secret != "" and hmac.compare_digest(given, secret.encode())


def _is_of_back_end(headers: dict[str, str], hashes: Sequence[str]) -> bool:
    """Say whether a back end that the operator trusts sent the request (docs/decisions/0020)."""
    given = headers.get("x-back-end-secret", "").encode(errors="surrogatepass")
    if not hashes or len(given) < SHORTEST_SECRET:
        return False
    digest = hashlib.sha256(given).hexdigest()
    return any(hmac.compare_digest(digest, known) for known in hashes)


def _address_of(values: list[str]) -> str:
    """Return the address that `X-Viewer-Address` names; empty where it does not name just one.

    Every client can send that header: only CloudFront and back ends that know a secret are believed
    (docs/decisions/0012 and 0020). A back end may hand on its client's own header beside its own.
    """
    # Only what comes by way of CloudFront or a back end needs it.
    import ipaddress  # noqa: PLC0415

    address = values[0].partition("%")[0] if len(values) == 1 else ""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return ""
    return address


def _country_of(headers: dict[str, str]) -> str:
    """Return the country that CloudFront names; empty where it names none."""
    country = headers.get("cloudfront-viewer-country", "")
    is_code = len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()
    return country if is_code else ""


def _members(parent: dict[str, Any], name: str) -> dict[str, Any]:
    members = parent.get(name)
    return members if isinstance(members, dict) else {}


def _texts(event: dict[str, Any], name: str) -> dict[str, str]:
    return {key: str(value) for key, value in _members(event, name).items() if value is not None}


def _lists(event: dict[str, Any], name: str) -> dict[str, list[str]]:
    return {
        key: [str(value) for value in values]
        for key, values in _members(event, name).items()
        if isinstance(values, list)
    }


def _values(event: dict[str, Any], headers: dict[str, str], name: str) -> list[str]:
    """Return every value of a header."""
    values = [
        value
        for header, values in _lists(event, "multiValueHeaders").items()
        if header.lower() == name
        for value in values
    ]
    return values or ([headers[name]] if name in headers else [])


def token_in(authorizations: Sequence[str]) -> str:
    """Return the token in the values of the `Authorization` header, bare or after `Bearer`.

    It is empty where there is no such header, or more than one (RFC 9110, section 11.6.2, allows
    one).
    """
    if len(authorizations) != 1:
        return ""
    # White space is these two (RFC 9110, section 5.6.3); a bare `split` takes more for it.
    words = [part for part in authorizations[0].replace("\t", " ").split(" ") if part]
    if len(words) == 2 and words[0].lower() == "bearer":
        return words[1]
    return words[0] if len(words) == 1 else ""


def address_block(address: str) -> str:
    """Return the address or network that counts as one caller: for IPv6, the /64 network.

    A subscriber has a whole /64 to choose from (RFC 6177), and an IPv4 address may come mapped into
    IPv6 (RFC 4291, section 2.5.5.2). A text that is no address counts as itself.
    """
    # Only the functions that count callers need it.
    import ipaddress  # noqa: PLC0415

    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
