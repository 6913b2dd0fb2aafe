"""A skill's folder held against every rule."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from agentloop.skills import frontmatter, values
from agentloop.skills.findings import files as files_of
from agentloop.skills.findings import markdown
from agentloop.skills.findings.authoring import authoring
from agentloop.skills.findings.files import Files
from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.hidden import hidden_text
from agentloop.skills.findings.pattern import Text
from agentloop.skills.findings.privacy import privacy
from agentloop.skills.findings.rules import RULES, broken
from agentloop.skills.findings.unsafe import unsafe
from agentloop.skills.format import FILE, SkillFormatError
from agentloop.text.quoting import one_line

_READ_BY_AGENTS = frozenset(("agents.md", "claude.md", "gemini.md"))
_NOT_THEIRS = frozenset((".git", "node_modules", "__pycache__"))


def find(folder: Path, *, lenient: bool = False) -> list[Finding]:
    """Hold a skill's folder against the rules; empty when nothing is wrong. Never raises for what it holds.

    Args:
        folder: the skill's.
        lenient: it is somebody else's: what agents get over is a warning, what is a matter of style is passed over.
    """
    if os.path.islink(folder) and not lenient:  # noqa: PTH114 - a Path is slower, and this is run on thousands
        return [broken("link", ".", 1, "the skill is a link", "write a folder with files")]
    files = files_of.read(folder, ignored=_NOT_THEIRS if lenient else frozenset())
    texts = {name: Text(name, content) for name, content in files.texts.items()}
    found = [*files.findings]
    for text in texts.values():
        found += unsafe(text)
        found += hidden_text(text)
        found += privacy(text)
    found += _names(files)
    found += _skill_file(folder.name or folder.resolve().name, files, texts, lenient=lenient)
    found.sort(key=lambda finding: (finding.path != FILE, finding.path, finding.line))
    return _as_for_others(found) if lenient else found


def _names(files: Files) -> Iterator[Finding]:
    """What is wrong with the names of files and folders: they are read, and committed, as texts are."""
    names = sorted(name.replace("\n", " ") for name in (*files.names, *files.folders))
    text = Text(".", "\n".join(names))
    for finding in (*unsafe(text), *hidden_text(text), *privacy(text)):
        yield replace(finding, path=names[finding.line - 1], line=1, message=f"as its name, {finding.message}")
    for name in files.names | files.folders:
        if "\n" in name:
            yield broken("control-character", one_line(name, len(name)), 1, "its name holds a line end")
        if name.startswith(".") or "/." in name:
            yield broken("stray-file", name, 1, "it is a hidden file")
        if name.lower().rpartition("/")[2] in _READ_BY_AGENTS:
            yield broken("stray-file", name, 1, "agents that work in its folder take it for instructions")
        if name.lower().endswith(f"/{FILE.lower()}"):
            yield broken("stray-file", name, 1, "it is a skill within the skill")


def _as_for_others(found: list[Finding]) -> list[Finding]:
    severities = [(finding, RULES[finding.rule].lenient) for finding in found]
    return [replace(finding, severity=severity) for finding, severity in severities if severity]


def _skill_file(folder: str, files: Files, texts: dict[str, Text], *, lenient: bool) -> Iterator[Finding]:
    name = FILE if FILE in files.names else next((each for each in files.names if each.lower() == FILE.lower()), "")
    if name and name != FILE:
        yield broken("skill-file-case", name, 1, f"it is spelt {name}")
    if not name:
        yield broken("skill-file", FILE, 1, f"there is no {FILE}", f"write {folder}/{FILE}")
    if name not in texts:
        return
    try:
        found = frontmatter.read(texts[name].text)
    except SkillFormatError as error:
        yield broken("frontmatter", FILE, error.line, error.message)
        return
    for problem in (*found.problems, *values.deviations(found, folder, ascii_names=not lenient)):
        yield broken(problem.rule, FILE, problem.line, problem.message)
    body = markdown.Markdown(found.body)
    yield from authoring(texts[name], found, body)
    if body.open_fence:
        line = found.body_line + body.open_line - 1
        yield broken("fence", FILE, line, "a code fence is not closed", f"close it with {body.open_fence}")
    yield from markdown.comments(FILE, body, found.body_line)
    yield from markdown.links(FILE, body, found.body_line, files.names | files.folders)
    yield from markdown.unreferenced(files.names, files.texts)
