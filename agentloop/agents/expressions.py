"""JMESPath as adapters use it, with a function for JSON inside of JSON."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError, UnknownFunctionError


def compiled(text: str) -> Callable[[Any], Any]:
    """Make a search of an expression.

    `from_json(text)` is a function beside those of JMESPath: many agents give a tool's arguments as a text.

    Returns:
        A function of a JSON value that says what stands there; None for nothing, and for a value of another shape.

    Raises:
        JMESPathError: it is no expression, or calls a function that there is not.
    """
    expression = jmespath.compile(text)
    for name in _called(expression.parsed):
        if name not in _Functions.FUNCTION_TABLE:
            raise UnknownFunctionError(f"there is no function {name}()")

    def search(content: Any) -> Any:
        try:
            return expression.search(content, _OPTIONS)
        except (JMESPathError, ValueError, TypeError, RecursionError):
            return None

    return search


def _called(node: Mapping[str, Any]) -> Iterator[str]:
    """The functions that a parsed expression calls."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        yield from _called(child)


class _Functions(functions.Functions):
    @functions.signature({"types": ["string"]})
    def _func_from_json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None


_OPTIONS = jmespath.Options(custom_functions=_Functions())
