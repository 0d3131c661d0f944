"""Names of sessions. Only the login imports this; it needs the layer `user_agents`."""

import re

import httpagentparser

UNKNOWN = "Unknown device"

_LONGEST_NAME = 64
_LONGEST_USER_AGENT = 512  # the parser searches the text many times; browsers' are under 300
_PRODUCT = re.compile(r"([A-Za-z][\w.+-]{0,31})(?:/v?(\d{1,9}))?")  # RFC 9110, section 10.1.5
# Browsers that the parser takes for the one they are built on.
_BUILDS = {"CriOS": "Chrome", "EdgA": "Edge", "EdgiOS": "Edge"}
_BUILD = re.compile(rf"\b({'|'.join(_BUILDS)})/(\d{{1,9}})")
# The parser's names of programs that people know by other names.
_FAMILIAR = {
    "ChromiumEdge": "Edge",
    "MSEdge": "Edge",
    "Microsoft Internet Explorer": "Internet Explorer",
    "AndroidBrowser": "Android Browser",
    "Mac OS": "macOS",
}


def session_name(given: str, user_agent: str) -> str:
    """Return the name of a session.

    Args:
        given: the name that the client gives; taken if it is 1 to 64 printable characters.
        user_agent: the browser's User-Agent, read where no name was given.
    """
    given = given.strip()
    if given and len(given) <= _LONGEST_NAME and given.isprintable():
        return given
    return _describe(user_agent[:_LONGEST_USER_AGENT]) or UNKNOWN


def _describe(user_agent: str) -> str:
    found = httpagentparser.detect(user_agent)
    browser = _part(found.get("browser"))
    if build := _BUILD.search(user_agent):
        browser = f"{_BUILDS[build[1]]} {build[2]}"
    elif not browser:
        # Programs rather than browsers: curl/8.4.0, okhttp/4.9.
        product = _PRODUCT.match(user_agent)
        browser = " ".join(filter(None, product.groups())) if product else ""
    # iOS and Android come as a `dist` of another system; the platform has their version.
    system = _part(found.get("platform"))
    return " on ".join(filter(None, (browser, system)))[:_LONGEST_NAME]


def _part(part: dict[str, str | None] | None) -> str:
    """Return a name with its major version, such as Chrome 96."""
    name = ((part or {}).get("name") or "").strip()
    version = re.search(r"[0-9]+", (part or {}).get("version") or "")
    return " ".join(filter(None, (_FAMILIAR.get(name, name), version and version[0])))
