"""Texts that are no session ID, though some look like one; `{iat}` stands for one that is.

They go through the handlers (tests/functions/test_identifier_refusals.py) and over HTTP
(tests/gateway/test_hostile_input.py).
"""

ARABIC_INDIC = {digit: chr(0x660 + digit) for digit in range(10)}
FULLWIDTH = {digit: chr(0xFF10 + digit) for digit in range(10)}
MATHEMATICAL = {digit: chr(0x1D7CE + digit) for digit in range(10)}

NO_IDS = [
    # Numbers, in other notations
    *("0", "00", "-0", "-1", "-{iat}", "+{iat}", "--{iat}", "~{iat}", "0{iat}", "00000{iat}"),
    *("{iat}.0", "{iat}.", ".{iat}", "{iat}e0", "{iat}E+0", "{iat}n", "{iat}L", "1e9", "18e8"),
    *("0x6B49D200", "0o15354471000", "1_800_000_000", "1,800,000,000", "1.800.000.000"),
    *("{arabic_indic}", "{fullwidth}", "{mathematical}", "{mixed}"),
    *("\N{SUPERSCRIPT TWO}", "\N{ROMAN NUMERAL ONE}", "\N{CIRCLED DIGIT ONE}"),
    *("\N{VULGAR FRACTION ONE HALF}", "\N{CJK UNIFIED IDEOGRAPH-4E00}"),
    # An ID that no session has, and larger ones
    *("9" * digits for digits in (15, 16, 19, 38, 39, 4301, 5000)),
    "1" + "0" * 400,
    # An ID, and more
    *("{iat},{iat}", "{iat};{iat}", "{iat} {iat}", "{iat}/{iat}", "{iat}' OR '1'='1"),
    *(" {iat}", "{iat} ", "\t{iat}", "{iat}\n", "{iat}\r\nSet-Cookie: a=b"),
    *("{iat}\0", "\0{iat}", "\0", "{iat}\x7f", "\ufeff{iat}", "\N{NO-BREAK SPACE}{iat}"),
    *("{iat}\N{ZERO WIDTH SPACE}", "\N{RIGHT-TO-LEFT OVERRIDE}{iat}"),
    "{iat}\N{COMBINING ENCLOSING KEYCAP}",
    *('"{iat}"', "'{iat}'", "({iat})", "[{iat}]", "{{iat}}", "{iat}/", "/{iat}", "{iat}\\"),
    *("{iat}#", "{iat}?", "{iat}&", "{iat}=", "..", "../{iat}", "../../etc/passwd"),
    # Words
    *("x", "sid", "null", "None", "undefined", "true", "NaN", "Infinity", "$", "*", "_"),
    *("%", "%25", "__proto__", "[object Object]", "1; DROP TABLE Sessions", "😀"),
    *("<script>alert(1)</script>", "${jndi:ldap://127.0.0.1/a}"),
]

# Segments of a path, as they are sent: none of them decodes to a session ID.
NO_SEGMENTS = [
    *("%", "%%", "%zz", "%0", "{iat}%", "{iat}%2", "%00", "{iat}%00", "%00{iat}", "{iat}%2F"),
    *("{iat}%2f{iat}", "%2F{iat}", "%2e%2e%2f{iat}", "{iat}%5C", "{iat}%0A", "{iat}%20"),
    *("{iat}%0d%0aSet-Cookie:%20a=b", "+{iat}", "{iat}+", "{iat};a=b", "{iat}%3F", "{iat}%23"),
    *("%ff", "{iat}%ff", "%C0%B1", "%ED%A0%80", "%u0031", "%2531", "{iat}%C2%A0"),
]


def spelt(text: str, iat: int) -> str:
    """Return an entry of these lists, for a session."""
    scripts = {
        "arabic_indic": in_script(iat, ARABIC_INDIC),
        "fullwidth": in_script(iat, FULLWIDTH),
        "mathematical": in_script(iat, MATHEMATICAL),
        "mixed": str(iat)[0] + in_script(iat, ARABIC_INDIC)[1:],
        "iat": str(iat),
    }
    for name, digits in scripts.items():
        text = text.replace(f"{{{name}}}", digits)
    return text


def in_script(number: int, script: dict[int, str]) -> str:
    return "".join(script[int(digit)] for digit in str(number))
