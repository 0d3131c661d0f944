"""The names of sessions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.session_name import UNKNOWN, session_name

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MACOS = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
CHROME_OS = "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
BLINK_MOBILE = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{WINDOWS} {BLINK}", "Chrome 120 on Windows 10"),
        (f"{MACOS} {BLINK}", "Chrome 120 on macOS 10"),
        (f"{LINUX} {BLINK}", "Chrome 120 on Linux"),
        (f"{CHROME_OS} {BLINK}", "Chrome 120 on ChromeOS 14541"),
        (f"{ANDROID} {BLINK_MOBILE}", "Chrome 120 on Android 10"),
        (
            f"{IPHONE} {WEBKIT} CriOS/120.0.6099.50 Mobile/15E148 Safari/604.1",
            "Chrome 120 on iOS 17",
        ),
        (f"{WINDOWS} {BLINK} Edg/120.0.2210.91", "Edge 120 on Windows 10"),
        (f"{WINDOWS} {BLINK} Edge/18.17763", "Edge 18 on Windows 10"),
        (f"{ANDROID} {BLINK_MOBILE} EdgA/119.0.2151.92", "Edge 119 on Android 10"),
        (
            f"{IPHONE} {WEBKIT} Version/17.0 EdgiOS/119.0.2151.96 Mobile/15E148 Safari/604.1",
            "Edge 119 on iOS 17",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0",
            "Firefox 121 on Windows 10",
        ),
        (
            "Mozilla/5.0 (Android 14; Mobile; rv:121.0) Gecko/121.0 Firefox/121.0",
            "Firefox 121 on Android 14",
        ),
        (f"{IPHONE} {WEBKIT} FxiOS/121.0 Mobile/15E148 Safari/605.1.15", "Firefox 121 on iOS 17"),
        (f"{MACOS} {WEBKIT} Version/17.2 Safari/605.1.15", "Safari 17 on macOS 10"),
        (f"{IPHONE} {WEBKIT} Version/17.1 Mobile/15E148 Safari/604.1", "Safari 17 on iOS 17"),
        (f"{WINDOWS} {BLINK} OPR/105.0.0.0", "Opera 105 on Windows 10"),
        (
            "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
            "Internet Explorer 11 on Windows 7",
        ),
        ("curl/8.4.0", "curl 8"),
        ("Go-http-client/2.0", "Go-http-client 2"),
        ("Dart/3.2 (dart:io)", "Dart 3"),
        ("MyApp/v3.1 CFNetwork/1474 Darwin/23.0.0", "MyApp 3"),
        ("node", "node"),
    ],
)
def test_a_session_has_the_name_of_its_browser_and_system(user_agent, name):
    assert session_name("", user_agent) == name


@pytest.mark.parametrize(
    "user_agent",
    [
        *("", "   ", "???", "12345", "-", "(;;)", "/1.0", "<script>alert(1)</script>", "名前/1"),
        *("\0", "\N{RIGHT-TO-LEFT OVERRIDE}evil/1", "\x1b[31mred", chr(0xD800), "\n\r\t"),
    ],
)
def test_a_user_agent_without_a_name_is_an_unknown_device(user_agent):
    assert session_name("", user_agent) == UNKNOWN == "Unknown device"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("a" * 8192, "a" * 32),
        ("(" * 8192, UNKNOWN),
        ("Chrome/" + "9" * 8192, "Chrome " + "9" * 57),
        (f"{WINDOWS} {BLINK}" + " x" * 4096, "Chrome 120 on Windows 10"),
        ("x\0\x1b[31m/1", "x"),
    ],
)
def test_a_long_or_odd_user_agent_has_a_short_name(user_agent, name):
    assert session_name("", user_agent) == name


@pytest.mark.parametrize("given_name", ["x", "n" * 64, "My laptop", "Büro 🖥", "0", "<b>"])
def test_a_given_name_is_taken(given_name):
    assert session_name(given_name, "curl/8.4.0") == given_name
    assert session_name(f" \t{given_name}\n", "curl/8.4.0") == given_name


@pytest.mark.parametrize("given_name", ["", " ", "n" * 65, "a\nb", "a\0b", "a\x7fb", "a\N{LRM}b"])
def test_a_given_text_that_is_no_name_is_ignored(given_name):
    assert session_name(given_name, "curl/8.4.0") == "curl 8"


PIECES = st.sampled_from(
    [
        *(WINDOWS, MACOS, LINUX, CHROME_OS, ANDROID, IPHONE, BLINK, WEBKIT, "Mozilla/5.0"),
        *("Chrome/", "Version/", "Safari/", "Firefox/", "MSIE ", "Opera/", "Trident/", "Android"),
        *("Windows ", "iPhone OS ", "CPU OS ", "Linux", "CrOS ", "Mac OS X ", "PlayStation "),
        *(" ", ";", "(", ")", "_", ".", "/", "9", "\n", "\0", "é"),
    ]
)


@given(given_name=st.text(max_size=80), user_agent=st.text() | st.lists(PIECES).map("".join))
def test_a_name_has_1_to_64_printable_characters(given_name, user_agent):
    name = session_name(given_name, user_agent)
    assert 1 <= len(name) <= 64
    assert name.isprintable()
    assert name == name.strip()
