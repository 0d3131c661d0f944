"""The layer is watched as its handlers are, and waits for nobody."""

from tests.functions.conftest import dynamodb, dynamodb_calls, lines, logged, pauses

__all__ = ["dynamodb", "dynamodb_calls", "lines", "logged", "pauses"]
