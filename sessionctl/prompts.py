"""What is asked of the person at the terminal: passwords, and leave for what has no undo."""

import getpass
import sys


class UsageError(Exception):
    """The command cannot be carried out as it was given."""


class Declined(Exception):
    """The person said no."""


def read_password() -> str:
    """Return a password: typed twice, or one line where standard input is no terminal."""
    if not sys.stdin.isatty():
        try:
            password = sys.stdin.readline().removesuffix("\n")
            password.encode()  # some locales let through what is not UTF-8, and no JSON can hold
        except UnicodeError:
            raise UsageError("the password is not UTF-8") from None
    else:
        try:
            password = getpass.getpass("Password: ")
            repeated = getpass.getpass("Again: ")
        except EOFError:
            raise UsageError("no password was given") from None
        if password != repeated:
            raise UsageError("the two passwords differ")
    if not password:
        raise UsageError("no password was given")
    return password


def confirm(question: str, word: str = "yes") -> None:
    """Return if the person types the word, or just "y" where it is yes.

    Raises:
        UsageError: nobody is there to be asked.
        Declined: the answer is another.
    """
    if not sys.stdin.isatty():
        raise UsageError("this cannot be undone: confirm it with --yes")
    print(f"{question} Type {word}: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    if answer != word and (word, answer) != ("yes", "y"):
        raise Declined("Nothing was done.")
