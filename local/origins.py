"""The origins of pages, as browsers send them, and what to say of one that is not allowed."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from local.request import ApiRequest

# RFC 6454, section 6.2: a scheme, a host, and a port unless it is the scheme's own. Apps in a web
# view have schemes of their own.
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?")
OWN_PORTS = {"http": "80", "https": "443"}


def origin_of(url: str) -> str | None:
    """Return the origin of a URL, None if it has none that a page could have."""
    try:
        parts = urlsplit(url.strip().lower())
        is_own = str(parts.port) == OWN_PORTS.get(parts.scheme)
    except ValueError:  # no such port
        return None
    host = parts.netloc.removesuffix(f":{parts.port}") if is_own else parts.netloc
    origin = f"{parts.scheme}://{host}"
    return origin if ORIGIN.fullmatch(origin) else None


def advice(request: ApiRequest, allowed: Collection[str]) -> str | None:
    """Say how to allow the page that sent a request, None where it is allowed or there is none."""
    origin = request.header("Origin")
    if origin is None or origin in {*allowed, f"http://{request.header('Host')}"}:
        return None
    if origin_of(origin) != origin:
        return f"  the page has no origin that could be allowed: {origin[:100]!a}"
    return f"  the origin {origin} is not allowed; --origin {origin} would allow it"
