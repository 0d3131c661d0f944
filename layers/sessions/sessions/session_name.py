"""Names of sessions: what a client gives, or what its User-Agent says.

Only what begins sessions imports this.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

UNKNOWN = "Unknown device"

_LONGEST_NAME = 64
# Expressions are compiled where they are needed first: few logins need them all.
# Unicode's White_Space (PropList.txt).
_WHITE_SPACE = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
# Nobody sees these, though they count as letters, marks and a symbol: the fillers of Hangul and
# Khmer, and the empty pattern of Braille.
_BLANKS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_JOINERS = frozenset("\u034f\u200c\u200d")
# What selects a variation of the character before it (Unicode's Variation_Selector).
_SELECTORS = frozenset(
    map(chr, (*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
# Signs that enclose numbers, and are seen (Unicode's Prepended_Concatenation_Mark).
_SIGNS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
_EMOJI = range(0x1F000, 0x1FB00)  # also those that are newer than this Python's Unicode
# Flags of regions, such as Scotland's (Unicode Technical Standard 51, "emoji tag sequence").
_TAGGED_FLAG = "\U0001f3f4[\U000e0020-\U000e007e]{1,16}\U000e007f"

_LONGEST_USER_AGENT = 512  # browsers' are under 300
# Browsers and apps, by what no other User-Agent has. The first that is found counts: an app also
# says what its web view is made of, and a browser what it is like.
_PROGRAMS = {
    "[FB": "Facebook",
    "Instagram ": "Instagram",
    " Line/": "LINE",
    "LinkedInApp": "LinkedIn",
    "[Pinterest/": "Pinterest",
    "musical_ly": "TikTok",
    "MicroMessenger/": "WeChat",
    "Telegram-Android/": "Telegram",
    "baiduboxapp/": "Baidu",
    " GSA/": "Google app",
    "PowerShell/": "PowerShell",
    "PostmanRuntime/": "Postman",
    "OculusBrowser/": "Meta Quest Browser",
    "NintendoBrowser/": "Nintendo Browser",
    "SamsungBrowser/": "Samsung Internet",
    "HuaweiBrowser/": "Huawei Browser",
    "MiuiBrowser/": "Mi Browser",
    "UCBrowser/": "UC Browser",
    "YaBrowser/": "Yandex Browser",
    "QQBrowser/": "QQ Browser",
    "Opera Mini/": "Opera Mini",
    "Opera/": "Opera",
    " OPR/": "Opera",
    " OPT/": "Opera",
    " OPX/": "Opera",
    " Edg/": "Edge",
    " EdgA/": "Edge",
    " EdgiOS/": "Edge",
    " Edge/": "Edge",
    " Vivaldi/": "Vivaldi",
    " Whale/": "Whale",
    " Silk/": "Silk",
    " DuckDuckGo/": "DuckDuckGo",
    " Ddg/": "DuckDuckGo",
    " Focus/": "Firefox Focus",
    " SeaMonkey/": "SeaMonkey",
    " FxiOS/": "Firefox",
    " CriOS/": "Chrome",
}
# Machines that have a browser of their own, whatever it says that it is.
_MACHINES = {
    "Xbox": "Xbox",
    "PlayStation": "PlayStation",
    "PLAYSTATION": "PlayStation",
    "Nintendo Switch": "Nintendo Switch",
    "SMART-TV": "Samsung TV",
    "Web0S": "LG TV",
    " CrKey/": "Chromecast",
    " Tesla/": "Tesla",
    "; AFT": "Fire TV",  # so its models begin (developer.amazon.com, "User Agent Strings")
    "; Quest": "Quest",
}
_SYSTEMS = {
    "iPod": "iPod",  # before iPhone, which it says, too
    "iPhone": "iPhone",
    "iPad": "iPad",
    "OpenHarmony": "HarmonyOS",
    "Windows Phone": "Windows Phone",  # before Android, likewise
    "Android": "Android",  # before Linux, likewise
    "Macintosh": "Mac",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "iOS ": "iOS",
    "Linux": "Linux",
    "linux": "Linux",
}
_SYSTEMS_OF_APPLE = frozenset({"iPhone", "iPad", "iPod", "iOS", "Mac"})
# RFC 9110, section 10.1.5, without the version; the first one of browsers says nothing.
_PRODUCT = r"(?![Mm]ozilla|compatible)[A-Za-z][\w.+-]{0,31}"
_BOT = rf"compatible; ({_PRODUCT})/|({_PRODUCT}[Bb]ot)/"
_FIRST_PRODUCT = rf"{_PRODUCT}(?:(?:%20| )(?!Mozilla)[\w.+-]{{1,32}}){{0,3}}(?=/)|{_PRODUCT}"
# An app's own name: before what Electron says, or after something that any browser says.
_APP = (
    rf"({_PRODUCT})/\S+ Chrome/\S+ Electron/"
    r"|(?:^Mozilla/[\d.]+(?: \([^)]*\))?|like Gecko\)|Gecko/\S+|Mobile/\w+|Safari/[\d.]+) +"
    rf"(?!AppleWebKit|Chrome|Electron|Gecko|Mobile|Safari|Version|like)({_PRODUCT})(?:[/ ]|$)"
)


def session_name(given: Iterable[str], user_agent: str) -> str:
    """Return the name of a session.

    Args:
        given: the texts that the client gives; the first that is a name counts.
        user_agent: the client's User-Agent, read where none of them is one.
    """
    names = filter(None, map(_name, filter(None, given)))
    return next(names, "") or _described(user_agent[:_LONGEST_USER_AGENT]) or UNKNOWN


def kind_of_device(user_agent: str) -> str:
    """Return on what kind of device a User-Agent runs: one of few words, whatever it says."""
    if not user_agent:
        return "unknown"
    return _system(user_agent[:_LONGEST_USER_AGENT]) or "program"


def _name(text: str) -> str:
    """Return the name that `text` is, with single spaces for white space; empty if it is none."""
    name = re.sub(_WHITE_SPACE, " ", text).strip(" ")
    if len(name) > _LONGEST_NAME:
        return ""
    spelled = f" {re.sub(_TAGGED_FLAG, chr(_EMOJI[0]), name)} "
    are_seen = map(_is_seen, spelled, spelled[1:], spelled[2:])
    return name if all(are_seen) else ""


def _is_seen(before: str, character: str, after: str) -> bool:
    """Say whether a reader sees a character of a name, or what it does to those beside it."""
    if character in _JOINERS:
        return _is_joined(before) and _is_joined(after)
    if character in _SELECTORS:
        is_letter = before.isascii() and before.isalpha()
        return not is_letter and before != " " and before not in _JOINERS | _SELECTORS
    if unicodedata.category(character)[0] == "C":
        return character in _SIGNS or ord(character) in _EMOJI
    return character not in _BLANKS


def _is_joined(character: str) -> bool:
    """Say whether a joiner beside it can change how a letter or an emoji looks.

    Scripts whose letters join have no upper case, but for Adlam, which runs from right to left.
    """
    return (
        unicodedata.category(character) in {"Lo", "Lm", "Mn", "Mc", "Sm", "So"}
        or unicodedata.bidirectional(character) == "R"
        or ord(character) in _EMOJI
    )


def _described(user_agent: str) -> str:
    """Return what runs and on what, such as Chrome on Windows; empty if nothing says it.

    Without versions: browsers have frozen those of systems, and their own change every month.
    """
    if bot := re.search(_BOT, user_agent, re.ASCII):
        return bot[1] or bot[2]
    system = _system(user_agent)
    program = _first(_PROGRAMS, user_agent)
    if not program and not user_agent.lower().startswith("mozilla"):
        program = _first_product(user_agent)
    elif not program and system not in _MACHINES.values():
        program = _browser(user_agent, system)
    return " on ".join(filter(None, (program, system)))[:_LONGEST_NAME]


def _system(user_agent: str) -> str:
    """Return the machine or the system that a User-Agent names; empty if it names none."""
    system = _first(_MACHINES, user_agent) or _first(_SYSTEMS, user_agent)
    if system == "Mac" and ("OS/" in user_agent or " Mobile/" in user_agent):
        return "iOS"  # where a page for desktops was asked for; Safari then says Mac alone
    return system


def _first(names: Mapping[str, str], user_agent: str) -> str:
    return next((name for sign, name in names.items() if sign in user_agent), "")


def _first_product(user_agent: str) -> str:
    """Return what a program calls itself, such as curl."""
    product = re.match(_FIRST_PRODUCT, user_agent, re.ASCII)
    if not product or product[0] == "Dalvik":  # what runs Android's apps
        return "an app" if product else ""
    return product[0].replace("%20", " ")  # CFNetwork's spelling


def _browser(user_agent: str, system: str) -> str:
    """Return one of the browsers whose words others say, too; or the app that has a web view."""
    is_of_apple = system in _SYSTEMS_OF_APPLE
    # developer.chrome.com, "User-Agent strings": Chrome itself names no Version.
    is_app = " Electron/" in user_agent or (system == "Android" and " Version/" in user_agent)
    if not is_app:
        if "Trident/" in user_agent or "MSIE " in user_agent:
            return "Internet Explorer"
        if "Firefox/" in user_agent:
            return "Firefox"
        if "Chrome/" in user_agent:
            return "Chrome"
        if is_of_apple and " Version/" in user_agent and " Safari/" in user_agent:
            return "Safari"
    if app := re.search(_APP, user_agent, re.ASCII):
        return app[1] or app[2]
    return "an app" if is_app or is_of_apple else ""
