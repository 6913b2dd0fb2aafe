"""The commits of a history, with what is needed to tell who made them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentloop.repo.runner import Git

_FORMAT = "%x01%H%x1f%at%x1f%ct%x1f%P%x1f%s%x1f%(trailers:key=Agentloop-Run,valueonly,separator=%x20)"
_HEADER = re.compile(
    r"(?P<id>[0-9a-f]{40,64})\x1f(?P<authored>\d+)\x1f(?P<committed>\d+)\x1f(?P<parents>[0-9a-f ]*)\x1f"
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit."""

    id: str
    authored_at: float
    """Unix time; a rebase keeps it."""
    committed_at: float
    parents: tuple[str, ...]
    subject: str
    paths: tuple[str, ...]
    """The files that it changed; none of a merge."""
    runs: tuple[str, ...]
    """The runs that its trailers name."""


def new_commits(git: Git, tip: str, known: Sequence[str], max_count: int, *, were_pushed: bool) -> list[Commit]:
    """The commits that neither another repository nor anything known has; see `Repo.new_commits`."""
    remotes = () if were_pushed else ("--remotes",)
    words = ["-c", "core.quotePath=false", "log", f"--max-count={max_count}", f"--format={_FORMAT}"]
    options = ["--name-only", "--no-renames", "--no-show-signature", "--no-notes", "--no-ext-diff"]
    said = git.ask(*words, *options, tip, "--not", *known, *remotes, "--")
    return [commit for commit in map(_read, said.split("\x01")) if commit]


def _read(text: str) -> Commit | None:
    header = _HEADER.match(text)
    if header is None:  # the character was part of a message
        return None
    first, _line, rest = text[header.end() :].partition("\n")
    subject, _mark, runs = first.rpartition("\x1f")
    return Commit(
        id=header["id"],
        authored_at=float(header["authored"]),
        committed_at=float(header["committed"]),
        parents=tuple(header["parents"].split()),
        subject=subject,
        paths=tuple(path for path in rest.splitlines() if path),
        runs=tuple(runs.split()),
    )
