"""The account operation issue_session."""

from tests.support.calls import invoke
