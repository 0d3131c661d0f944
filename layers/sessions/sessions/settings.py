"""The process of a function: its environment, which is read here and nowhere else.

Functions import this before what is large; the Verifier, which runs in processes of others, never
does.
"""

import gc
import os

# The imports make up to 100,000 objects that stay, which the collector would look through again and
# again; a request leaves a dozen behind, so that it still comes every ten thousand of them or so.
gc.set_threshold(150_000)


class MissingSetting(Exception):
    """The template gives the function no such variable."""


def text(name: str) -> str:
    """Return the environment variable `name`.

    Call it at import: a function that lacks a variable then fails at init, and the log names the
    variable, instead of failing at the first request that needs it.

    Raises:
        MissingSetting: the variable is not set; the message is its name.
    """
    try:
        return os.environ[name]
    except KeyError:
        raise MissingSetting(name) from None


def number(name: str) -> int:
    """Return the environment variable `name` as an integer.

    Raises:
        MissingSetting: the variable is not set.
        ValueError: it is no integer.
    """
    return int(text(name))


def flag(name: str) -> bool:
    """Return whether the environment variable `name` says `true`, as the template's flags do.

    Raises:
        MissingSetting: the variable is not set.
    """
    return text(name) == "true"


def listed(name: str) -> list[str]:
    """Return the parts of the comma-separated environment variable `name`.

    Raises:
        MissingSetting: the variable is not set.
    """
    return [part for part in text(name).split(",") if part]
