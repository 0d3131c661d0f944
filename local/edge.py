"""What the page's CloudFront makes of a request before the API sees it (docs/decisions/0022).

It is the function in template.yaml, to whose code tests/local/test_edge.py holds this, and the
header that the distribution adds. Nothing here knows countries: what a client says of its own, in
`CloudFront-Viewer-Country`, is left to try pages with.
"""

from dataclasses import replace

from local.request import ApiRequest, Headers

COOKIE = "__Host-session"
FROM_COOKIE = "X-Session-From-Cookie"
REPLACED = {"cookie", "x-page-secret", "x-session-from-cookie", "x-viewer-address"}


def through_edge(request: ApiRequest, page_secret: str) -> ApiRequest:
    """Return the request as CloudFront sends it on.

    One port serves the page and the API here. A back end calls the API itself, never by the page.
    """
    if request.header("X-Back-End-Secret") is not None:
        return request
    pairs = [pair for pair in request.headers.multi_items() if pair[0].lower() not in REPLACED]
    pairs += [("X-Viewer-Address", request.source_ip), ("X-Page-Secret", page_secret)]
    token = cookies_of(request).get(COOKIE)
    is_own = request.header("Sec-Fetch-Site") == "same-origin"
    if token is not None and is_own and request.header("Authorization") is None:
        pairs += [("Authorization", token), (FROM_COOKIE, "true")]
    return replace(request, headers=Headers(pairs))


def cookies_of(request: ApiRequest) -> dict[str, str]:
    """Return the first value of each cookie, as CloudFront shows it."""
    cookies: dict[str, str] = {}
    for header, value in request.headers.multi_items():
        if header.lower() == "cookie":
            for cookie in value.split(";"):
                name, _, content = cookie.strip().partition("=")
                cookies.setdefault(name, content)
    return cookies
