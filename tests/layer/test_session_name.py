"""The names of sessions."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions.session_name import UNKNOWN, kind_of_device, session_name

# ------------------------------------------------------------ from User-Agent

LINES = (Path(__file__).parents[1] / "payloads" / "user_agents.txt").read_text().splitlines()
KNOWN = [tuple(line.split(": ", 1)) for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize(("name", "user_agent"), KNOWN)
def test_a_session_has_the_name_of_what_runs_and_on_what(name, user_agent):
    assert session_name([], user_agent) == name


def test_the_table_has_a_hundred_programs():
    assert len({user_agent for _, user_agent in KNOWN}) >= 100


@pytest.mark.parametrize(
    "user_agent",
    [
        *("", "   ", "???", "12345", "-", "(;;)", "/1.0", "<script>alert(1)</script>", "名前/1"),
        *("\0", "\N{RIGHT-TO-LEFT OVERRIDE}evil/1", "\x1b[31mred", chr(0xD800), "\n\r\t"),
        *("Mozilla/5.0", "mozilla", "Mozilla/5.0 (compatible)", "Mozilla/5.0 Mozilla/4.0"),
    ],
)
def test_a_user_agent_without_a_name_is_an_unknown_device(user_agent):
    assert session_name([], user_agent) == UNKNOWN == "Unknown device"


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [
        ("", "unknown"),
        ("curl/8.5.0", "program"),
        ("\0", "program"),
        (" " * 600 + "Windows", "program"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/120.0", "Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15", "Mac"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Mobile/15E148", "iOS"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/120.0.0.0", "Android"),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/6.00)", "PlayStation"),
    ],
)
def test_a_kind_of_device_is_the_machine_or_the_system(user_agent, kind):
    assert kind_of_device(user_agent) == kind


def test_there_are_few_kinds_of_device():
    """A user's row keeps each on which the user logged in."""
    assert 10 < len({kind_of_device(user_agent) for _, user_agent in KNOWN}) < 30


WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("a" * 8192, "a" * 32),
        ("(" * 8192, UNKNOWN),
        ("a/" * 4096, "a"),
        (f"{WINDOWS} {BLINK}" + " x" * 4096, "Chrome on Windows"),
        (f"{WINDOWS} {BLINK} Herring/95.5", "Chrome on Windows"),  # what many forgeries end with
        ("x\0\x1b[31m/1", "x"),
        ("x" + " " * 600 + "Windows", "x"),
        (WINDOWS, "Windows"),
        (f"{LINUX} {WEBKIT} Version/17.0 Safari/605.1.15", "Linux"),
        ("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "Internet Explorer on Windows"),
        (f"{WINDOWS} MyTool/3.1", "MyTool on Windows"),
        (f"{WINDOWS} MyEngine/1.0 Chrome/120.0 Electron/28.0 Safari/537.36", "MyEngine on Windows"),
        (f"{WINDOWS} Electron/28.0 Safari/537.36", "an app on Windows"),
        (f"{LINUX} Gecko/20100101 MyMail/24.2", "MyMail on Linux"),
        (f"{MAC} {WEBKIT} MyMusic/1.0 Safari/537.36", "MyMusic on Mac"),
        (f"{MAC} {WEBKIT} Mobile/15E148", "an app on iOS"),
        (f"{IPHONE} {WEBKIT} MyNews/608.0 Version/2.0", "MyNews on iPhone"),
        (f"{IPHONE} {WEBKIT} Mobile/15E148 MyApp/3.1", "MyApp on iPhone"),
        (f"{IPHONE} {WEBKIT} Mobile/15E148 MyApp (iPhone17,1)", "MyApp on iPhone"),
        (f"{IPHONE} {WEBKIT} Mobile/15E148 Safari/604.1 MyApp", "MyApp on iPhone"),
        ("My%20App/3.1 CFNetwork/1494 Darwin/23.4.0", "My App"),
        ("My App/3.1 (iPad; iOS 17.4; Scale/2.00)", "My App on iPad"),
        ("MyApp Mozilla/5.0 (Macintosh)", "MyApp on Mac"),
    ],
)
def test_an_app_is_called_as_it_calls_itself_and_an_odd_text_by_little(user_agent, name):
    assert session_name([], user_agent) == name


PIECES = st.sampled_from(
    [
        *(
            WINDOWS,
            IPHONE,
            BLINK,
            WEBKIT,
            "Mozilla/5.0",
            "mozilla",
            "compatible; ",
            "bot/",
            "Dalvik",
        ),
        *("Chrome/", "Version/", "Safari/", "Firefox/", "MSIE ", "Opera/", "Electron/", "Android"),
        *("Windows ", "iPhone OS ", "Macintosh", "Linux", "; wv)", "PlayStation ", "Mobile/1"),
        *(" ", ";", "(", ")", "_", ".", "/", "9", "\n", "\0", "é", "%20"),
    ]
)


@given(user_agent=st.text() | st.lists(PIECES).map("".join))
def test_a_name_from_a_user_agent_is_short_and_printable_and_never_mozilla(user_agent):
    name = session_name([], user_agent)
    assert 1 <= len(name) <= 64
    assert name.isascii()
    assert name.isprintable()
    assert name == name.strip()
    assert not name.startswith(("Mozilla", "mozilla"))


# ---------------------------------------------------------------- given names

FLAG_OF_SCOTLAND = "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbsct") + "\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        *("x", "n" * 64, "🖥" * 64, "My laptop", "Büro 🖥", "0", "<b>", "ℹ️ desk"),  # noqa: RUF001
        "👩\u200d💻 and 👨\u200d👩\u200d👧\u200d👦",
        "👩🏽\u200d⚕️ 1️⃣ 🏳️\u200d🌈 🙂\u200d↔️",
        f"{FLAG_OF_SCOTLAND} laptop",
        "\U0001fabe",  # an emoji that Python 3.11 does not know
        "گوشی می\u200cخواهم",  # noqa: RUF001
        "मेरा फ़ोन का\u200cम",
        "ـ\u200dه \U0001e922\u200d\U0001e923",  # noqa: RUF001
        "\U0001fabe\u200d\U0001fabe",
        "क्\u200dष র\u200d্য",
        "שָׁלוֹם עֲלֵיכֶם יְרוּשָׁלַ\u034fִם",
        "ทดสอบ 안녕하세요 日本語 ∞ ™",
        "Ĵosé e\N{COMBINING ACUTE ACCENT}",
        "\N{ARABIC END OF AYAH}\N{ARABIC-INDIC DIGIT ONE}",
        "葛\U000e0100飾",
    ],
)
def test_a_given_name_is_taken_in_any_script(text):
    assert session_name([text], "curl/8.4.0") == text


SPACES = [" ", "\t", "\r\n", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "\u2003", "\u3000"]


@pytest.mark.parametrize("space", [*SPACES, "\u2028", "\x85", " \t \N{NO-BREAK SPACE}"])
def test_white_space_is_folded_to_single_spaces_and_trimmed(space):
    assert session_name([f"{space}My{space}laptop{space}"], "") == "My laptop"
    assert session_name([f"{space}{'n' * 64}{space * 100}"], "") == "n" * 64


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\N{NO-BREAK SPACE}\t", "n" * 65, "n " * 33),
        *("a\0b", "a\x1fb", "a\x7fb", "a\x9fb"),
        # What turns the rest of a line, and marks of it
        *("a\N{RIGHT-TO-LEFT OVERRIDE}b", "a\N{LEFT-TO-RIGHT EMBEDDING}b\u202c", "a\N{LRM}b"),
        *("\u2067a\u2069", "\N{ARABIC LETTER MARK}a"),
        # What nobody sees
        *("a\N{ZERO WIDTH SPACE}b", "a\N{SOFT HYPHEN}b", "a\N{WORD JOINER}b", "\ufeffa", "\u2800"),
        *("\N{HANGUL FILLER}", "a\N{HALFWIDTH HANGUL FILLER}", "\N{HANGUL CHOSEONG FILLER}"),
        *("a\N{FUNCTION APPLICATION}b", "\N{INTERLINEAR ANNOTATION ANCHOR}a", "a\U0001d173b"),
        # Joiners and selectors, without anything that they change
        *("\u200d", "a\u200db", "a\u200cb", "laptop\u200d", "👩\u200d", "\u200d👩", "👩\u200d b"),
        *("👩\u200d\u200d💻", "می\u200c", "1\u200d2", "a\u034fb", "a\U000e0100"),
        *("\ufe0f", "a\ufe0f", "a \ufe0f", "❤\ufe0f\ufe0f", "👩\u200d\ufe0f💻"),
        # Tags, of no flag
        *("a\U000e0061b", FLAG_OF_SCOTLAND[:-1], FLAG_OF_SCOTLAND[1:], "\U000e0001en"),
        # No characters, or private ones
        *(chr(0xD800), "\ufffe", "\U000effff", "\ue000", "\U0010fffd", "\u0378"),
    ],
)
def test_a_given_text_that_is_no_name_counts_as_not_given(text):
    assert session_name([text], "curl/8.4.0") == "curl"
    assert session_name([text, "My laptop"], "curl/8.4.0") == "My laptop"


def test_the_first_name_of_several_counts():
    assert session_name(["one", "two"], "curl/8.4.0") == "one"


CHARACTERS = st.characters() | st.sampled_from("\u200c\u200d\u034f\ufe0f\u2066\xa0\u3000👩💻می ")


@given(text=st.text(CHARACTERS, max_size=80))
@example(text="👩\u200d💻")
def test_a_given_name_is_folded_or_counts_as_not_given(text):
    name = session_name([text], "")
    folded = " ".join("".join(" " if each.isspace() else each for each in text).split())
    assert name in {folded, UNKNOWN}
    assert 1 <= len(name) <= 64
    assert not {"Cc", "Cs", "Co", "Zl", "Zp"} & {unicodedata.category(each) for each in name}
    assert session_name([name], "") == name, "a name is one when it comes back"


WORDS = st.text(
    st.characters(
        categories=["L", "N", "P", "S"], exclude_characters="\u115f\u1160\u2800\u3164\uffa0"
    ),
    min_size=1,
    max_size=15,
)


@given(words=st.lists(WORDS, min_size=1, max_size=4), space=st.sampled_from(SPACES))
def test_words_of_any_script_are_a_name(words, space):
    assert session_name([space.join(words)], "") == " ".join(words)
