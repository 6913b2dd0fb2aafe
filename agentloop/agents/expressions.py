"""JMESPath as adapters use it, with a function for JSON inside of JSON."""

import json
from collections.abc import Callable
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError


def compiled(text: str) -> Callable[[Any], Any]:
    """Make a search of an expression.

    `from_json(text)` is a function beside those of JMESPath: many agents give a tool's arguments as a text.

    Returns:
        A function of a JSON value that says what stands there; None for nothing, and for a value of another shape.

    Raises:
        JMESPathError: it is no expression.
    """
    expression = jmespath.compile(text)

    def search(content: Any) -> Any:
        try:
            return expression.search(content, _OPTIONS)
        except (JMESPathError, ValueError, TypeError, RecursionError):
            return None

    return search


class _Functions(functions.Functions):
    @functions.signature({"types": ["string"]})
    def _func_from_json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None


_OPTIONS = jmespath.Options(custom_functions=_Functions())
