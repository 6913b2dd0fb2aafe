"""Markdown as far as a skill needs it: code told from prose, fences, links, and the files that nothing refers to."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from urllib.parse import unquote

from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.pattern import MAX_HITS
from agentloop.skills.findings.rules import broken
from agentloop.skills.format import FILE

_FENCE = re.compile(r"(?P<indent>[ \t>]{0,16})(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_CODE = re.compile(r"`[^`\n]{1,1000}`|``[^\n]{1,1000}?``")
_TARGET = re.compile(r"\]\([ \t]{0,4}<?(?P<path>[^)\s#>]{1,1000})")
_SCHEME = re.compile(r"[a-zA-Z][\w.+-]{0,30}:|//|#")
_NO_PATH = re.compile(r"[{}$<>*|\u2026]|\.\.\.|^(?:url|link|path|\?)$", re.IGNORECASE)
_KNOWN_BY_THEMSELVES = re.compile(
    r"(?i)(?:^|/)(?:licen[cs]e|notice|readme|changelog|copying|authors|requirements|package(?:-lock)?\.json|pyproject\.toml|__init__\.py"
    r"|conftest\.py|\.|_meta\.json|skill\.json|metadata\.json|test_|tests?/)|^(?:evals|agents)/"
)
_COMMENT = re.compile(r"<!--(?P<said>(?:(?!-->).){0,4000})", re.DOTALL)
_MANY_WORDS = 3  # with fewer it tells a tool something, as in "markdownlint-disable MD013"
_MAX_FILES = 200
_MAX_CHARS = 1024 * 1024


@dataclass(frozen=True)
class Markdown:
    """A Markdown text, its code told from its prose when somebody asks.

    Args:
        text: the text.
    """

    text: str

    @cached_property
    def prose(self) -> str:
        """The text with its code made blank, each character in its place."""
        lines = self.text.split("\n")
        for first, last in self._blocks:
            lines[first : last + 1] = [" " * len(line) for line in lines[first : last + 1]]
        return _CODE.sub(lambda match: " " * len(match[0]), "\n".join(lines))

    @property
    def open_fence(self) -> str:
        """The fence that is not closed; empty when each one is."""
        return self._fences[1]

    @property
    def open_line(self) -> int:
        """The line of the fence that is not closed, from 1."""
        return self._blocks[-1][0] + 1 if self._blocks else 1

    @property
    def _blocks(self) -> list[tuple[int, int]]:
        return self._fences[0]

    @cached_property
    def _fences(self) -> tuple[list[tuple[int, int]], str]:
        """The first and the last line of each code block, from 0, and the fence of one that is not closed."""
        blocks: list[tuple[int, int]] = []
        if "```" not in self.text and "~~~" not in self.text:
            return blocks, ""
        fence, indent, begun = "", 0, 0
        lines = self.text.split("\n")
        for number in [number for number, line in enumerate(lines) if "```" in line or "~~~" in line]:
            match = _FENCE.match(lines[number].rstrip("\r"))
            if match and not fence:
                fence, indent, begun = match["fence"], len(match["indent"]), number
            elif match and _closes(match, fence, indent):
                blocks.append((begun, number))
                fence = ""
        if fence:
            blocks.append((begun, len(lines) - 1))
        return blocks, fence


def _closes(match: re.Match[str], fence: str, indent: int) -> bool:
    is_bare = match["fence"].startswith(fence) and not match["info"].strip()
    return is_bare and len(match["indent"]) <= indent + 3


def comments(name: str, markdown: Markdown, first_line: int) -> Iterator[Finding]:
    """Comments that say something: who reads the page does not see what the agent reads.

    Args:
        name: the file that the text stands in, relative to the skill's folder.
        markdown: what it is.
        first_line: the line of the file that the text begins on.
    """
    if "<!--" not in markdown.text:
        return
    for match in islice(_COMMENT.finditer(markdown.prose), MAX_HITS):
        if len(match["said"].split()) >= _MANY_WORDS:
            yield broken(
                "comment", name, first_line + markdown.text.count("\n", 0, match.start()), "it holds a comment"
            )


def links(name: str, markdown: Markdown, first_line: int, names: set[str]) -> Iterator[Finding]:
    """Links to files that are not there, or not the skill's.

    Args:
        name: the file that the text stands in, relative to the skill's folder.
        markdown: what it is.
        first_line: the line of the file that the text begins on.
        names: all that is in the skill's folder.
    """
    hits = 0
    text = markdown.text
    position = text.find("](")
    while position >= 0 and hits < MAX_HITS:
        match = _TARGET.match(text, position)
        if match and _is_path(match["path"]) and markdown.prose[position] != " ":
            finding = _link(name, match["path"], names)
            if finding:
                rule, message = finding
                hits += 1
                yield broken(rule, name, first_line + text.count("\n", 0, position), message)
        position = text.find("](", position + 2)


def _is_path(target: str) -> bool:
    return not _SCHEME.match(target) and not _NO_PATH.search(target)


def _link(name: str, target: str, names: set[str]) -> tuple[str, str] | None:
    path = unquote(target.partition("?")[0])
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
    if path.startswith(("../", "/", "~")) or path == "..":
        return "link-outside", f"the link {target!r} leads out of the skill"
    if path != "." and path not in names:
        return "link-broken", f"the link {target!r} leads nowhere"
    return None


def unreferenced(files: set[str], texts: dict[str, str]) -> Iterator[Finding]:
    """Files that no text of the skill names, neither by themselves nor by their folder.

    Args:
        files: the files of the skill.
        texts: what can be read of them.
    """
    others = sorted(name for name in files if name != FILE and not _KNOWN_BY_THEMSELVES.search(name))[:_MAX_FILES]
    if not others:
        return
    said = "\n".join([texts.get(FILE, ""), *(text for name, text in texts.items() if name != FILE)])[:_MAX_CHARS]
    for name in others:
        folder, base = posixpath.split(name)
        stem = posixpath.splitext(base)[0]
        by_folder = folder and f"{folder}/" in texts.get(FILE, "")
        by_module = len(stem) > 3 and stem in said
        if not by_folder and not by_module and base not in said:
            yield broken("unreferenced-file", name, 1, "nothing in the skill refers to it")
