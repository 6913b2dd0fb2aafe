"""What can be mended without thinking: done in place, file by file, everything else left byte for byte.

A file is written anew beside itself and put in its place, so that it is never half written; links are not followed.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agentloop.errors import AgentloopError
from agentloop.skills.findings import files as files_of
from agentloop.skills.findings.hidden import without_hidden_text
from agentloop.skills.findings.markdown import Markdown
from agentloop.skills.findings.mending import mended_frontmatter
from agentloop.skills.findings.privacy import masked
from agentloop.skills.format import FILE, SkillFormatError
from agentloop.skills.frontmatter import locate


@dataclass(frozen=True, slots=True)
class Mended:
    """What was mended: the rule, the file relative to the skill's folder, and what was done, in a clause."""

    rule: str
    path: str
    what: str


def mend(folder: Path) -> list[Mended]:
    """Mend a skill in place; says what was done, and does nothing where nothing is wrong.

    Raises:
        AgentloopError: a file cannot be written; it is as it was.
    """
    if folder.is_symlink():
        return []
    files = files_of.read(folder)
    odd = {finding.path for finding in files.findings if finding.rule in ("binary", "unread")}
    done = []
    for name in sorted(files.texts.keys() - odd):
        text = files.texts[name]
        mended, steps = _mended(text, folder.name if name == FILE else "")
        if mended != text:
            _write(folder / name, mended)
            done += [Mended(rule, name, what) for rule, what in steps]
    return done


def _mended(text: str, skill: str) -> tuple[str, list[tuple[str, str]]]:
    """The text mended, and each rule with what was done; `skill` is the folder's name where it is a SKILL.md."""
    steps: list[tuple[str, str]] = []
    if skill and text.startswith("\ufeff"):
        text = text[1:]
        steps.append(("byte-order-mark", "took the byte order mark away"))
    shown = without_hidden_text(text)
    if shown != text:
        text = shown
        steps.append(("hidden-text", "took out what cannot be seen"))
    begin = _body_begins(text) if skill else 0
    head, masks = masked(text[:begin], brackets=False)
    body, more = masked(text[begin:], brackets=True)
    text = head + body
    steps += [(rule, f"masked {what!r}") for rule, what in (*masks, *more)]
    if skill:
        text, quoted = mended_frontmatter(text, skill)
        steps += quoted
        text, closed = _closed(text)
        steps += closed
    return text, steps


def _body_begins(text: str) -> int:
    try:
        return locate(text).body
    except SkillFormatError:
        return 0


def _closed(text: str) -> tuple[str, list[tuple[str, str]]]:
    fence = Markdown(text[_body_begins(text) :]).open_fence
    if not fence:
        return text, []
    end = "\r\n" if text.endswith("\r\n") else "\n"
    gap = "" if text.endswith("\n") else end
    return f"{text}{gap}{fence}{end}", [("fence", f"closed the last code fence with {fence}")]


def _write(path: Path, text: str) -> None:
    """Put a file in another's place, with its permissions."""
    try:
        mode = path.lstat().st_mode & 0o7777
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".agentloop-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8"))
                os.fchmod(file.fileno(), mode)
            os.replace(name, path)  # noqa: PTH105 - both are names
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise AgentloopError(
            f"{path} cannot be written: {error.strerror}", hint="make it writable, or lint without --fix"
        ) from error
