"""What the model of an adapter has against a file, in the words of whoever wrote the file."""

import difflib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from agentloop.text.quoting import one_line

Key = tuple[str | int, ...]
"""The way to a value: names of tables and keys, and places in lists."""

_MAX_CHARS = 300
_CHOICE = re.compile(r"'([^']*)'")
_WANTED = {
    "string_type": "a text in quotes",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "tuple_type": "a list",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
}


def explain(model: type[BaseModel], content: Mapping[str, Any], problem: Mapping[str, Any]) -> tuple[Key, str, str]:
    """Say what is wrong.

    Args:
        model: the model of the whole file.
        content: the file.
        problem: what pydantic has against it.

    Returns:
        The key, what is wrong with it, and what to do.
    """
    said: str = problem["type"]
    # A missing key is not in the file; of a value that may be of several kinds, pydantic adds the kind.
    key = problem["loc"] if said in ("missing", "extra_forbidden") else present(content, problem["loc"])
    match said:
        case "extra_forbidden":
            return key, f"unknown key {named(key)!r}", _elsewhere(model, key)
        case "missing":
            return key, f"{named(key)} is missing", ""
        case "literal_error":
            choices = _CHOICE.findall(problem["ctx"]["expected"])
            near = difflib.get_close_matches(str(problem["input"]), choices, n=1)
            words = f"{named(key)}: one of {', '.join(choices)} is wanted, not {_shown(problem['input'])}"
            return key, words, f"did you mean {near[0]}?" if near else ""
        case "value_error":
            words = one_line(problem["msg"].removeprefix("Value error, "), _MAX_CHARS)
            return key, f"{named(key)}: {words}" if key else words, ""
    if said not in _WANTED:
        words = one_line(problem["msg"].removeprefix("Input should be "), _MAX_CHARS)
        return key, f"{named(key)}: {words} is wanted, not {_shown(problem['input'])}", ""
    words = f"{named(key)}: {_WANTED[said]} is wanted, not {_shown(problem['input'])}"
    return key, words, _mended(key, said, problem["input"])


def named(key: Key) -> str:
    """A key as people write it; which of several tables it stands in, the line says."""
    return ".".join(part for part in key if isinstance(part, str))


def present(content: Any, key: Key) -> Key:
    """As much of a key as leads to something."""
    for depth, part in enumerate(key):
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return key[:depth]
    return key


def _shown(value: Any) -> str:
    match value:
        case str():
            return f"the text {one_line(json.dumps(value, ensure_ascii=False), 60)}"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a table"
    return f"the time {value}"


def _mended(key: Key, said: str, value: Any) -> str:
    """How the value is to be written."""
    if said == "tuple_type" and isinstance(value, str):
        try:
            words = shlex.split(value)
        except ValueError:
            words = value.split()
        return f"write: {key[-1]} = {one_line(json.dumps(words, ensure_ascii=False), 200)}"
    if said == "tuple_type" and isinstance(value, dict):
        return f"write it with two brackets, for there may be several: [[{named(key)}]]"
    if _WANTED[said] == "a table":
        brackets = f"[[{named(key)}]]" if isinstance(key[-1], int) else f"[{named(key)}]"
        return f"begin a table: {brackets}"
    return ""


def _elsewhere(model: type[BaseModel], key: Key) -> str:
    """What an unknown key may have been meant to be."""
    name = str(key[-1])
    fields = _model_of(model, key[:-1]).model_fields
    near = difflib.get_close_matches(name, fields, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    places = list(_places(model, name))
    if name in places:
        return f"{name} stands at the top of the file, before the first [table]"
    if places:
        return f"it stands elsewhere: {', '.join(places)}"
    return f"known keys: {', '.join(fields)}"


def _model_of(model: type[BaseModel], key: Key) -> type[BaseModel]:
    """The model of a table."""
    for part in key:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models(model.model_fields[part].annotation), model)
    return model


def _places(model: type[BaseModel], name: str, before: str = "") -> Iterator[str]:
    """Where a key of that name stands."""
    for field, info in model.model_fields.items():
        if field == name:
            yield f"{before}{field}"
        for part in _models(info.annotation):
            yield from _places(part, name, f"{before}{field}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _models(part)
