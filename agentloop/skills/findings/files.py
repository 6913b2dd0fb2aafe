"""A skill's folder read from the disk with bounds, and what is wrong with its files as files."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agentloop.skills.disk import MAX_FILE_BYTES, read_bytes
from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.rules import broken

MAX_FILES = 50
MAX_SKILL_BYTES = 1024 * 1024
MAX_LISTED = 1000
MAX_READ_BYTES = 4 * 1024 * 1024
MAX_TOTAL_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 10
_EXECUTABLE = (
    (b"\x7fELF", "ELF"),
    (b"\xfe\xed\xfa", "Mach-O"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"\xca\xfe\xba\xbe", "Mach-O or Java"),
    (b"MZ", "Windows"),
    (b"\0asm", "WebAssembly"),
)
_READ_AS_TEXT = (
    *(".md", ".txt", ".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd"),
    *(".py", ".js", ".mjs", ".ts", ".rb", ".pl"),
)


@dataclass(slots=True)
class Files:
    """What lies in a skill's folder.

    Args:
        folder: the folder.
        texts: by path relative to the folder, what can be read as text.
        names: the paths of the files, links and whatever else is no folder among them.
        folders: the paths of the folders.
        findings: what is wrong with the files as such.
    """

    folder: Path
    texts: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def read(folder: Path, *, ignored: frozenset[str] = frozenset()) -> Files:
    """Read what lies in a folder; never raises for what lies there.

    Args:
        folder: the skill's.
        ignored: names of folders to pass over.
    """
    files = Files(folder)
    listed = []
    for entry in _entries(folder, "", 0, ignored, files):
        listed.append(entry)
        if len(listed) > MAX_LISTED:
            message = f"it has more than {MAX_LISTED} files; the others were not looked at"
            files.findings.append(broken("unread", ".", 1, message))
            break
    if len(listed) > MAX_FILES:
        message = f"it has {len(listed)} files"
        files.findings.append(broken("size", ".", 1, message, f"keep at most {MAX_FILES}"))
    total = 0
    for name, each in sorted(listed[:MAX_LISTED], key=lambda pair: pair[0]):
        files.names.add(name)
        total += _look(files, name, each, total)
    if total > MAX_SKILL_BYTES:
        message = f"its files have {total / 1024 / 1024:.1f} MB together"
        files.findings.append(broken("size", ".", 1, message, "keep less than 1 MB"))
    return files


def texts_in(folder: Path) -> dict[str, str]:
    """What can be read as text in a skill's folder, by path relative to it."""
    return read(folder).texts


def _entries(
    folder: str | Path, prefix: str, depth: int, ignored: frozenset[str], files: Files
) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """What is no folder, by relative path; the folders are named in `files`."""
    try:
        with os.scandir(folder) as scanned:
            entries = list(scanned)
    except OSError as error:
        files.findings.append(broken("unread", prefix or ".", 1, f"the folder cannot be read: {error.strerror}"))
        return
    for entry in entries:
        name = prefix + entry.name
        if not entry.is_dir(follow_symlinks=False):
            yield name, entry
        elif entry.name not in ignored:
            files.folders.add(name)
            if depth == MAX_DEPTH:
                message = f"it is nested deeper than {MAX_DEPTH} folders; it was not looked at"
                files.findings.append(broken("unread", name, 1, message))
            else:
                yield from _entries(entry.path, f"{name}/", depth + 1, ignored, files)


def _look(files: Files, name: str, entry: "os.DirEntry[str]", total: int) -> int:
    """Read one file; returns how many bytes it took."""
    if entry.is_symlink():
        files.findings.append(_link(files.folder, name, entry.path))
        return 0
    if not entry.is_file(follow_symlinks=False):
        files.findings.append(broken("link", name, 1, "it is no ordinary file", "leave it out"))
        return 0
    if total > MAX_TOTAL_BYTES:
        message = f"the files before it have {MAX_TOTAL_BYTES // 1024 // 1024} MB; it was not looked at"
        files.findings.append(broken("unread", name, 1, message))
        return 0
    try:
        content = read_bytes(entry.path, MAX_READ_BYTES)
    except OSError as error:
        files.findings.append(broken("unread", name, 1, f"it cannot be read: {error.strerror}", "make it readable"))
        return 0
    files.findings += _content(files, name, content)
    return len(content)


def _link(folder: Path, name: str, path: str) -> Finding:
    link = Path(path)
    target = str(link.readlink())
    try:
        inside = link.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # it leads nowhere, or round in circles
        inside = False
    if inside and not target.startswith("/"):
        return broken("link-inside", name, 1, f"it is a link to {target!r}")
    return broken("link", name, 1, f"it is a link to {target!r}, out of the skill or to nothing")


def _content(files: Files, name: str, content: bytes) -> Iterator[Finding]:
    if len(content) > MAX_FILE_BYTES:
        yield broken("size", name, 1, "it is larger than 256 KB", "leave it out")
    text, is_utf8 = decode(content[:MAX_READ_BYTES])
    kind = next((kind for magic, kind in _EXECUTABLE if content.startswith(magic)), "")
    if kind and not is_utf8:
        yield broken("executable", name, 1, f"it is a compiled program ({kind})")
        return
    if not is_utf8:
        yield broken("binary", name, 1, "it is no UTF-8 text")
    if is_utf8 or "\0" not in text or name.endswith(_READ_AS_TEXT) or text.startswith("#!"):
        files.texts[name] = text
        if len(content) > MAX_READ_BYTES:
            yield broken("unread", name, 1, "it is larger than 4 MB; what is beyond was not looked at")


def decode(content: bytes) -> tuple[str, bool]:
    """The text of a file, and whether it is plain UTF-8; what is not is read as well as it can be."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(content) == MAX_READ_BYTES and error.start > MAX_READ_BYTES - 4:  # cut in a character
            return content[: error.start].decode("utf-8"), True
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return content.decode("utf-16", "replace"), False
        return content.decode("latin-1"), False
    return text, "\0" not in text
