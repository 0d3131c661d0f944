"""The API's access log: one line for each request, in the format of the template's stage.

Source: API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs in API Gateway" and
"Variables for access logging for API Gateway"; a variable that has no value is logged as "-".
"""

import json
import re
from typing import Any

VARIABLE = re.compile(r"\$context\.(\w+(?:\.\w+)*)")


def access_line(form: str, context: dict[str, Any]) -> str:
    """Fill in the format; what a client sent cannot end the string it stands in."""

    def replacement(match: re.Match[str]) -> str:
        value: Any = context
        for part in match[1].split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return "-" if value in (None, "") else json.dumps(str(value))[1:-1]

    return VARIABLE.sub(replacement, form)
