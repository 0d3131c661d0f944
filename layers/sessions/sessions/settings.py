"""The environment: the deployment's settings of a function, read here and nowhere else."""

import os


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


def listed(name: str) -> list[str]:
    """Return the parts of the comma-separated environment variable `name`.

    Raises:
        MissingSetting: the variable is not set.
    """
    return [part for part in text(name).split(",") if part]
