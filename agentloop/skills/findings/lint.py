"""A skill's folder held against the rules."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agentloop.redact import secrets_in
from agentloop.skills.findings.finding import Finding, error, warning
from agentloop.skills.format import FILE, KEYS, SkillFormatError, frontmatter

MAX_FILES = 50
MAX_FILE_BYTES = 256 * 1024
MAX_BODY_LINES = 500
MAX_BODY_WORDS = 500
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|TBD|FILL[ _-]?IN|[Ll]orem ipsum)\b|\[(?:describe|insert|your|add) [^\]]*\](?!\()"
)
_MACHINE_PATH = re.compile(r"(?<![\w.])(?:/home/|/Users/|/root/|[A-Z]:\\Users\\)[\w.-]+")
_HIDDEN = re.compile(
    "[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069\u200b\u2060-\u2064\u180e]|(?<!^)\ufeff|[\ufe00-\ufe0e\U000e0100-\U000e01ef]{2,}"
)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)(?P<path>[^)\s#]+)")
_FENCE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")


def find(folder: Path) -> list[Finding]:
    """Hold a skill's folder against the rules; empty when nothing is wrong. Never raises for what it holds."""
    if folder.is_symlink():
        return [error("link", ".", 1, "the skill is a link", "write a folder with files")]
    found = list(_files(folder))
    path = folder / FILE
    if path.is_file() and not path.is_symlink():
        text = _text(path)
        if text is not None:
            found += _skill_file(folder, text)
    else:
        found.append(error("skill-file", FILE, 1, f"there is no {FILE}", f"write {folder.name}/{FILE}"))
    return found


def _text(path: Path) -> str | None:
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return None if "\0" in text else text


def _files(folder: Path) -> Iterator[Finding]:
    paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    if len(paths) > MAX_FILES:
        yield error("size", ".", 1, f"it has {len(paths)} files", f"keep at most {MAX_FILES}")
    for path in paths[:MAX_FILES]:
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            yield error(
                "link", name, 1, "it is a link or no ordinary file", "put a copy of the file there, or leave it out"
            )
        elif path.stat().st_size > MAX_FILE_BYTES:
            yield error("size", name, 1, "it is larger than 256 KB", "leave it out")
        else:
            text = _text(path)
            if text is None:
                yield error("binary", name, 1, "it is no UTF-8 text", "leave it out")
            else:
                yield from _unsafe(name, text)


def _unsafe(name: str, text: str) -> Iterator[Finding]:
    for line, kind in secrets_in(text):
        yield error("secret", name, line, f"it holds a secret ({kind})", "name the variable that holds it instead")
    for pattern, rule, message, remedy in (
        (_MACHINE_PATH, "machine-path", "it names a path of one machine", "use a path relative to the repository"),
        (_HIDDEN, "hidden-text", "it holds characters that cannot be seen", "write plain text"),
    ):
        for match in pattern.finditer(text):
            yield error(rule, name, text.count("\n", 0, match.start()) + 1, message, remedy)


def _skill_file(folder: Path, text: str) -> Iterator[Finding]:
    try:
        content, body, first_line = frontmatter(text)
    except SkillFormatError as problem:
        yield error(
            "frontmatter", FILE, problem.line, problem.message, "begin with ---, name and description, then ---"
        )
        return
    yield from _keys(text, content)
    for key, rule in (("name", _name), ("description", _description)):
        value = content.get(key)
        if isinstance(value, str) and value.strip():
            yield from rule(folder, _line_of(text, key), value)
        else:
            yield error(f"{key}-missing", FILE, _line_of(text, key), f"{key} is missing or empty", f"give it a {key}")
    yield from _optional(text, content)
    yield from _body(folder, body, first_line)


def _keys(text: str, content: dict[str, Any]) -> Iterator[Finding]:
    for key in content:
        if key not in KEYS:
            remedy = f"use only {', '.join(KEYS)}"
            yield error("unknown-key", FILE, _line_of(text, key), f"the key {key!r} is not in the format", remedy)


def _name(folder: Path, line: int, name: str) -> Iterator[Finding]:
    if len(name) > 64:
        yield error("name-length", FILE, line, f"the name has {len(name)} characters", "use at most 64")
    if not _NAME.fullmatch(name):
        remedy = "use a-z, 0-9 and single hyphens between them"
        yield error("name-format", FILE, line, f"the name {name!r} is not in lower case with hyphens", remedy)
    if name != folder.name:
        remedy = "give both the same name"
        yield error("name-folder", FILE, line, f"the name {name!r} is not its folder's ({folder.name!r})", remedy)


def _description(_folder: Path, line: int, description: str) -> Iterator[Finding]:
    if len(description) > 1024:
        yield error("description-length", FILE, line, f"it has {len(description)} characters", "use at most 1024")
    if "<" in description and ">" in description:
        yield error("description-markup", FILE, line, "it holds angle brackets", "write it without < and >")
    if "use when" not in description.lower():
        remedy = "say when to use it, with the symptoms and the exact error texts"
        yield warning("description-trigger", FILE, line, "it has no 'Use when'", remedy)


def _optional(text: str, content: dict[str, Any]) -> Iterator[Finding]:
    compatibility = content.get("compatibility")
    if compatibility is not None and not (isinstance(compatibility, str) and 0 < len(compatibility) <= 500):
        line = _line_of(text, "compatibility")
        yield error(
            "compatibility", FILE, line, "compatibility is no text of 1 to 500 characters", "shorten or drop it"
        )
    metadata = content.get("metadata")
    flat = isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    if metadata is not None and not flat:
        yield error("metadata", FILE, _line_of(text, "metadata"), "metadata is no map of texts", "use key: text lines")
    for key in ("license", "allowed-tools"):
        if not isinstance(content.get(key, ""), str):
            yield error(key, FILE, _line_of(text, key), f"{key} is no text", "write it as one text")


def _body(folder: Path, body: str, first_line: int) -> Iterator[Finding]:
    lines = body.splitlines()
    if not body.strip():
        yield error("body-empty", FILE, first_line, "there is no text after the frontmatter", "write the skill")
    if len(lines) > MAX_BODY_LINES:
        yield error("body-length", FILE, first_line, f"it has {len(lines)} lines", f"use at most {MAX_BODY_LINES}")
    elif len(body.split()) > MAX_BODY_WORDS:
        remedy = "keep what a good model would get wrong without it"
        yield warning("body-words", FILE, first_line, f"it has {len(body.split())} words", remedy)
    yield from _fences(lines, first_line)
    rules: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Finding | None]], ...] = (
        (_PLACEHOLDER, lambda match: error("placeholder", FILE, 0, f"{match[0]!r} was left in", "write it out")),
        (_LINK, lambda match: _broken_link(folder, match["path"])),
    )
    for pattern, rule in rules:
        for match in pattern.finditer(body):
            finding = rule(match)
            if finding:
                line = first_line + body.count("\n", 0, match.start())
                yield error(finding.rule, FILE, line, finding.message, finding.remedy)


def _broken_link(folder: Path, target: str) -> Finding | None:
    path = (folder / target).resolve()
    if not path.is_relative_to(folder.resolve()):
        return error(
            "link-outside", FILE, 0, f"the link {target!r} leads out of the skill", "link to a file of the skill"
        )
    if not path.exists():
        return error("link-broken", FILE, 0, f"the link {target!r} leads nowhere", "write the file or drop the link")
    return None


def _fences(lines: list[str], first_line: int) -> Iterator[Finding]:
    opened = ""
    at = 0
    for number, line in enumerate(lines, first_line):
        match = _FENCE.match(line)
        if not match:
            continue
        if not opened:
            opened, at = match["fence"], number
        elif match["fence"].startswith(opened) and not match["info"].strip():
            opened = ""
    if opened:
        yield error("fence", FILE, at, "a code fence is not closed", f"close it with {opened}")


def _line_of(text: str, key: str) -> int:
    match = re.search(rf"^[\"']?{re.escape(key)}[\"']?[ \t]*:", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1
