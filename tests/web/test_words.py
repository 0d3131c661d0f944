"""The texts of the page: one file for each language, all with the same keys."""

import json
import re
from pathlib import Path

import pytest

from tests.support.node import NODE, passed

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
# Unicode CLDR 48, "Language Plural Rules", cardinal:
# https://www.unicode.org/cldr/charts/48/supplemental/language_plural_rules.html
PLURALS = {
    "ar": {"zero", "one", "two", "few", "many", "other"},
    "de": {"one", "other"},
    "en": {"one", "other"},
    "es": {"one", "many", "other"},
    "fr": {"one", "many", "other"},
    "ja": {"other"},
}

Text = str | dict[str, str]


def read(file: Path) -> dict[str, Text]:
    def unique(pairs: list[tuple[str, Text]]) -> dict[str, Text]:
        assert len(dict(pairs)) == len(pairs), f"{file.name} has a key twice"
        return dict(pairs)

    words: dict[str, Text] = json.loads(file.read_text("utf-8"), object_pairs_hook=unique)
    return words


WORDS = {file.stem: read(file) for file in (WEB / "words").iterdir()}
ENGLISH = WORDS["en"]
SOURCES = [*WEB.glob("*.js"), WEB / "index.html"]


def forms(text: Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def values(text: str) -> list[str]:
    return sorted(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("language", PLURALS)
def test_a_language_has_each_text_with_the_values_of_the_english_one(language):
    words = WORDS[language]
    assert list(words) == list(ENGLISH)  # in the same order, too: files that one can compare
    for key, text in words.items():
        *_, general = forms(text)
        *_, in_english = forms(ENGLISH[key])
        assert values(general) == values(in_english), key
        # "One session" needs no number, but no form may name a value that is not given.
        assert all(set(values(form)) <= set(values(general)) for form in forms(text)), key
        assert all(form == form.strip() != "" for form in forms(text)), key
        assert re.search(r"[{}]", re.sub(r"{\w+}", "", "".join(forms(text)))) is None, key


@pytest.mark.parametrize("language", PLURALS)
def test_a_text_with_plurals_has_each_form_of_its_language(language):
    plural = {key for key, text in ENGLISH.items() if not isinstance(text, str)}
    assert plural
    for key, text in WORDS[language].items():
        forms = None if isinstance(text, str) else set(text)
        assert forms == (PLURALS[language] if key in plural else None), key


def test_each_language_has_its_file_and_each_file_is_chosen():
    chosen = re.search(r"LANGUAGES = (\[.*\])", (WEB / "words.js").read_text())
    assert json.loads(chosen[1]) == sorted(WORDS) == sorted(PLURALS)


def test_the_page_names_each_text_and_no_other():
    """A key stands in the code as it is; or begins or ends there, such as `reason.${reason}`."""
    source = "\n".join(file.read_text("utf-8") for file in SOURCES)
    groups = "|".join(sorted({key.split(".")[0] for key in ENGLISH if "." in key}))
    named = set(re.findall(rf'"((?:{groups})\.\w+)"', source))
    named |= set(re.findall(r'(?:\btext\(|data-words(?:-label)?=)"([^"]+)"', source))
    assert sorted(named - ENGLISH.keys()) == []
    made = [re.split(r"\${.*?}", key) for key in re.findall(rf"`((?:{groups})\.[^`]*)`", source)]
    patterns = [re.compile(r"\w+".join(map(re.escape, parts))) for parts in made]
    unnamed = [key for key in ENGLISH.keys() - named if not any(p.fullmatch(key) for p in patterns)]
    assert unnamed == []
    assert all(any(pattern.fullmatch(key) for key in ENGLISH) for pattern in patterns)


def test_an_error_that_has_a_text_is_one_of_the_client():
    client = (ROOT / "clients" / "js" / "sessions.js").read_text("utf-8")
    errors = set(re.findall(r"^export class (\w+) extends SessionsError", client, re.MULTILINE))
    texts = {key.removeprefix("error.") for key in ENGLISH if re.match(r"error\.[A-Z]", key)}
    assert texts <= errors
    # The page has an own text for what is missing; the others are mistakes of ours.
    assert errors - texts == {"SessionMissing", "InvalidEndpoint", "Internal"}


def test_each_way_of_the_contract_in_which_a_session_ends_has_its_text():
    reasons = "expired idle deleted bulk all evicted replaced password_changed everyone"
    texts = [key.removeprefix("reason.") for key in ENGLISH if key.startswith("reason.")]
    assert texts == [*reasons.split(), "account_deleted"]


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_it_speaks_as_its_own_tests_say():
    assert passed(Path(__file__).parent / "words.test.mjs") > len(WORDS)
