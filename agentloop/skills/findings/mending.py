"""A frontmatter mended line by line: what is not wrong in it is left as it stands."""

import re
from dataclasses import dataclass, field
from typing import Any

from agentloop.skills import frontmatter
from agentloop.skills.format import KEYS, SkillFormatError, quote
from agentloop.skills.frontmatter import Entry, Frontmatter, as_it_looks
from agentloop.skills.reading import as_text
from agentloop.skills.values import MAX_NAME_CHARS, deviations, is_name
from agentloop.skills.yaml_texts import Problem

OF_AGENTS = frozenset(
    (
        *("disable-model-invocation", "user-invocable", "argument-hint", "model", "effort", "context", "agent"),
        *("hooks", "paths", "tools", "disallowed-tools", "when_to_use", "arguments", "shell"),
    )
)
"""Keys outside of the format that some agent acts upon: moved into the metadata, they would do nothing."""

_QUOTED = frozenset(("unquoted-colon", "unquoted-comment", "ambiguous-scalar", "frontmatter-yaml", "frontmatter-alias"))
_TEXTS = {"license": ", ", "allowed-tools": " ", "compatibility": ", "}
_CHILD = re.compile(r"(?P<indent>[ ]+)[^\s#]")
Steps = list[tuple[str, str]]


@dataclass(slots=True)
class _Edit:
    """What is to be done to a frontmatter.

    Args:
        found: the frontmatter as it was read.
        raw: the lines of each key, where it stands once.
        line_end: the one that it uses.
        values: keys that get another value, written as one text.
        gone: keys that go.
        moved: what is added to the metadata.
        steps: each rule with what is done.
    """

    found: Frontmatter
    raw: dict[str, str]
    line_end: str
    values: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    is_metadata_anew: bool = False
    steps: Steps = field(default_factory=list)


def mended_frontmatter(text: str, folder: str) -> tuple[str, Steps]:
    """The text of a SKILL.md with its frontmatter mended, and each rule with what was done.

    Args:
        text: the SKILL.md.
        folder: the name of its folder.
    """
    try:
        found = frontmatter.read(text)
        block = frontmatter.locate(text)
    except SkillFormatError:
        return text, []
    if not block.exact:
        return text, []
    source = text[block.begin : block.end]
    entries = list(frontmatter.entries(source))
    keys = [entry.key for entry in entries]
    once = {entry.key: source[entry.value : entry.end] for entry in entries if keys.count(entry.key) == 1}
    edit = _Edit(found, once, "\r\n" if "\r\n" in text[: block.end] else "\n")
    claimed = set()
    problems = [*found.problems, *deviations(found, folder, ascii_names=True)]
    for problem in problems:
        steps = len(edit.steps)
        _decide(edit, problem, folder)
        if len(edit.steps) > steps:
            claimed.add((problem.rule, problem.key))
    mended = text[: block.begin] + _written(edit, source, entries) + text[block.end :]
    left = {(problem.rule, problem.key) for problem in problems} - claimed
    return (mended, edit.steps) if claimed and _problems(mended, folder) <= left else (text, [])


def _problems(text: str, folder: str) -> set[tuple[str, str]]:
    """What is wrong with a frontmatter, by rule and key."""
    try:
        found = frontmatter.read(text)
    except SkillFormatError:
        return {("frontmatter", "")}
    problems = (*found.problems, *deviations(found, folder, ascii_names=True))
    return {(problem.rule, problem.key) for problem in problems}


def _decide(edit: _Edit, problem: Problem, folder: str) -> None:
    """Say what is to be done about one problem, where it can be done without thinking."""
    key = problem.key
    value = edit.found.content.get(key)
    if problem.rule.startswith("name-"):
        _name(edit, problem.rule, folder)
    elif key not in edit.raw:
        return
    elif problem.rule == "unknown-key":
        _move(edit, key, value)
    elif key == "metadata" and isinstance(value, dict):
        edit.is_metadata_anew = True
        edit.steps.append((problem.rule, "wrote the metadata as texts"))
    elif problem.rule in _QUOTED and isinstance(value, str):
        edit.values[key] = as_it_looks(edit.raw[key]) if problem.rule == "unquoted-comment" else value
        edit.steps.append((problem.rule, f"put {key} in double quotes"))
    elif problem.rule in _TEXTS and value and not isinstance(value, str):
        edit.values[key] = as_text(value, _TEXTS[key])
        edit.steps.append((problem.rule, f"wrote {key} as one text"))


def _name(edit: _Edit, rule: str, folder: str) -> None:
    if "name" in edit.found.content and "name" not in edit.raw:
        return
    if is_name(folder, ascii_names=True) and len(folder) <= MAX_NAME_CHARS:
        edit.values["name"] = folder
        edit.steps.append((rule, f"named it {folder}, as its folder is"))


def _move(edit: _Edit, key: str, value: Any) -> None:
    metadata = edit.found.content.get("metadata", {})
    if key in OF_AGENTS or not isinstance(metadata, dict) or key in metadata:
        return
    if "metadata" in edit.found.content and "metadata" not in edit.raw:
        return
    edit.gone.add(key)
    edit.moved[key] = as_text(value)
    edit.steps.append(("unknown-key", f"moved {key} into the metadata"))


def _written(edit: _Edit, source: str, entries: list[Entry]) -> str:
    parts, position = [], 0
    if "name" in edit.values and "name" not in edit.found.content:
        parts.append(_line(edit, "name", edit.values["name"]))
    for entry in entries:
        parts += [source[position : entry.begin], _entry(edit, entry.key, source[entry.begin : entry.end])]
        position = entry.end
    parts.append(source[position:])
    if edit.moved and "metadata" not in edit.found.content:
        parts += [f"metadata:{edit.line_end}", *_children(edit, edit.moved, "  ")]
    return "".join(parts)


def _entry(edit: _Edit, key: str, raw: str) -> str:
    """A key's lines as they are to be."""
    if key not in edit.raw:
        return raw
    if key in edit.gone:
        return ""
    if key == "metadata" and (edit.moved or edit.is_metadata_anew):
        return _metadata(edit, raw)
    return _line(edit, key, edit.values[key]) if key in edit.values else raw


def _metadata(edit: _Edit, raw: str) -> str:
    """The metadata with what is moved there; written anew where it is no block of texts."""
    lines = raw.splitlines(keepends=True)
    child = next((match for line in lines[1:] if (match := _CHILD.match(line))), None)
    is_block = lines[0].split("#")[0].strip().endswith(":")
    if is_block and child and not edit.is_metadata_anew:
        return "".join([raw, *_children(edit, edit.moved, child["indent"])])
    content = {key: as_text(value) for key, value in edit.found.content["metadata"].items()}
    return "".join([f"metadata:{edit.line_end}", *_children(edit, {**content, **edit.moved}, "  ")])


def _children(edit: _Edit, texts: dict[str, str], indent: str) -> list[str]:
    return [f"{indent}{_key(key)}: {quote(value)}{edit.line_end}" for key, value in texts.items()]


def _line(edit: _Edit, key: str, value: str) -> str:
    return f"{_key(key)}: {quote(value)}{edit.line_end}"


def _key(key: str) -> str:
    return key if key in KEYS or re.fullmatch(r"[A-Za-z][\w.-]*", key) else quote(key)
