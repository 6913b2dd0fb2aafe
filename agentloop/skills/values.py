"""The values of a frontmatter held against the Agent Skills format, one problem each."""

import re
import unicodedata
from collections.abc import Iterator

from agentloop.skills.format import KEYS
from agentloop.skills.frontmatter import Frontmatter
from agentloop.skills.yaml_texts import Problem

MAX_NAME_CHARS = 64
MAX_DESCRIPTION_CHARS = 1024
MAX_COMPATIBILITY_CHARS = 500
_ASCII_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def deviations(found: Frontmatter, folder: str, *, ascii_names: bool) -> Iterator[Problem]:
    """What the format does not allow.

    Args:
        found: the frontmatter, as it was read.
        folder: the name of the skill's folder.
        ascii_names: names of a-z, 0-9 and hyphens alone, which every tool takes; the format itself allows the lower
            case letters of all scripts.
    """
    yield from _keys(found)
    yield from _name(found, folder, ascii_names=ascii_names)
    yield from _description(found)
    yield from _compatibility(found)
    yield from _metadata(found)
    for key in ("license", "allowed-tools"):
        if not isinstance(found.content.get(key, ""), str):
            yield _problem(found, key, key, f"{key} is no text")


def is_name(name: str, *, ascii_names: bool) -> bool:
    """A name is in lower case, with single hyphens between its words."""
    if ascii_names or name.isascii():
        return _ASCII_NAME.fullmatch(name) is not None
    letters = unicodedata.normalize("NFKC", name)
    words = letters.split("-")
    return letters == letters.lower() and all(word.isalnum() for word in words)


def _keys(found: Frontmatter) -> Iterator[Problem]:
    for key in found.content:
        if key not in KEYS:
            yield _problem(found, "unknown-key", key, f"the key {key!r} is not in the format")


def _name(found: Frontmatter, folder: str, *, ascii_names: bool) -> Iterator[Problem]:
    name = found.content.get("name")
    if not isinstance(name, str) or not name.strip():
        yield _problem(found, "name-missing", "name", "name is missing or empty")
        return
    if len(name) > MAX_NAME_CHARS:
        message = f"the name has {len(name)} characters; {MAX_NAME_CHARS} are allowed"
        yield _problem(found, "name-length", "name", message)
    if not is_name(name, ascii_names=ascii_names):
        yield _problem(found, "name-format", "name", f"the name {name!r} is not in lower case with hyphens")
    if unicodedata.normalize("NFKC", name) != unicodedata.normalize("NFKC", folder):
        yield _problem(found, "name-folder", "name", f"the name {name!r} is not its folder's ({folder!r})")


def _description(found: Frontmatter) -> Iterator[Problem]:
    description = found.content.get("description")
    if not isinstance(description, str) or not description.strip():
        yield _problem(found, "description-missing", "description", "description is missing or empty")
        return
    if len(description) > MAX_DESCRIPTION_CHARS:
        message = f"the description has {len(description)} characters; {MAX_DESCRIPTION_CHARS} are allowed"
        yield _problem(found, "description-length", "description", message)


def _compatibility(found: Frontmatter) -> Iterator[Problem]:
    value = found.content.get("compatibility")
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= MAX_COMPATIBILITY_CHARS):
        message = f"compatibility is no text of 1 to {MAX_COMPATIBILITY_CHARS} characters"
        yield _problem(found, "compatibility", "compatibility", message)


def _metadata(found: Frontmatter) -> Iterator[Problem]:
    metadata = found.content.get("metadata")
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        yield _problem(found, "metadata", "metadata", "metadata is no map of texts")
        return
    for key, value in metadata.items():
        if not isinstance(value, str):
            yield _problem(found, "metadata", "metadata", f"metadata is no map of texts: {key!r} is none")


def _problem(found: Frontmatter, rule: str, key: str, message: str) -> Problem:
    return Problem(rule, found.lines.get(key, 1), message, key)
