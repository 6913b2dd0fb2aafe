"""A place in a YAML file where lines can be added, so that all else in it stays byte for byte."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from agentloop.errors import UsageError


@dataclass(frozen=True, slots=True)
class YamlPlace:
    """Before this line, with so many spaces; the rest of the path is yet to be written."""

    line: int
    column: int
    missing: tuple[str, ...]


def parsed(text: str, where: str) -> Any:
    """What the text says.

    Raises:
        UsageError: it is no YAML.
    """
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{where} cannot be read: {error}", hint="mend it first") from error


def place(text: str, path: Sequence[str], where: str) -> YamlPlace:
    """Where what stands at a path of keys can be added.

    Args:
        text: the file.
        path: the keys that lead there; those that are there already have to be written as blocks.
        where: the file, for people.

    Raises:
        UsageError: it is no YAML, or written in another way.
    """
    parsed(text, where)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:  # nothing but comments
        return YamlPlace(0, 0, tuple(path))
    missing = [*path]
    while isinstance(node, yaml.MappingNode) and missing:
        inner = next((value for key, value in node.value if key.value == missing[0]), None)
        if inner is None:
            break
        node, missing = inner, missing[1:]
    is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style and bool(node.value)
    if not is_block:
        raise UsageError(f"{where} is written in a way that nothing can be added to",
                         hint=f"write {'.'.join(path)} as a block, an entry a line")  # fmt: skip
    return YamlPlace(node.start_mark.line, node.start_mark.column, tuple(missing))


def inserted(text: str, at: YamlPlace, lines: str) -> str:
    """The text with lines added at a place."""
    before = text.splitlines(keepends=True)
    return "".join([*before[: at.line], lines, *before[at.line :]])


def line_end(text: str) -> str:
    """How its lines end."""
    return "\r\n" if "\r\n" in text else "\n"
