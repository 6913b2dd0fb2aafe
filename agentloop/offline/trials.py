"""The list of what a turn may try: edits of the tree as it stands, and edits in place of the last one that was kept.

An edit that makes fewer tests fail is kept, but it may be the wrong one. So later turns try both: another edit on top
of it, and another edit instead of it, in turns.
"""

import ast
import base64
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agentloop.offline.edits import Candidate, candidates
from agentloop.offline.lessons import Lesson, preference
from agentloop.offline.localize import rank
from agentloop.offline.places import Source
from agentloop.offline.session import Session
from agentloop.offline.sources import editable_files
from agentloop.offline.validate import Outcome


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate on a certain state of the files; `base` holds the files that differ from the tree beforehand."""

    candidate: Candidate
    key: str
    base: Mapping[str, bytes]

    def files(self, root: Path) -> dict[str, bytes]:
        """The content that each changed file is to have."""
        path = self.candidate.path
        content = self.base[path] if path in self.base else (root / path).read_bytes()
        return {**self.base, path: self.candidate.apply(content)}

    def makes_sense(self, root: Path) -> bool:
        """Say whether the edit leaves the file Python."""
        try:
            ast.parse(self.files(root)[self.candidate.path])
        except (SyntaxError, ValueError, RecursionError):
            return False
        return True


class Agenda:
    """What there is to try in a tree whose tests came out as `before`."""

    def __init__(self, root: Path, session: Session, before: Outcome) -> None:
        self._session = session
        self._before = before
        self._root = root
        self._current = {path: (root / path).read_bytes() for path in editable_files(root)}
        self._undone = self._base_of_last_kept()

    def suspects(self) -> list[Candidate]:
        """The candidates for the tree as it stands, by suspicion alone."""
        return self._candidates(self._current)

    def fresh(self, lessons: list[Lesson]) -> list[Trial]:
        """What was not tried yet, in the order in which it is to be tried."""
        context = self._session.context
        on_top = self._trials(self._current, context[-1:], {}, lessons)
        instead: Iterator[Trial] = iter(())
        if self._undone:
            instead = self._trials({**self._current, **self._undone}, context[-2:-1], self._undone, lessons)
        pairs = itertools.zip_longest(on_top, instead)
        return [trial for pair in pairs for trial in pair if trial and trial.key not in self._session.tried]

    def _trials(
        self, contents: Mapping[str, bytes], context: list[str], base: Mapping[str, bytes], lessons: list[Lesson]
    ) -> Iterator[Trial]:
        found = self._candidates(contents)
        # Sorting is stable: within what a lesson says, the suspicion decides.
        for candidate in sorted(found, key=preference(lessons)) if lessons else found:
            yield Trial(candidate, "+".join([*context, candidate.key]), base)

    def _candidates(self, contents: Mapping[str, bytes]) -> list[Candidate]:
        sources = {}
        for path, content in contents.items():
            try:
                sources[path] = Source(path, content)
            except (SyntaxError, ValueError, RecursionError):
                continue
        trees = {path: source.tree for path, source in sources.items()}
        return candidates(sources, rank(self._before, self._root, trees))

    def _base_of_last_kept(self) -> dict[str, bytes]:
        """The file before the last edit that was kept, unless somebody changed it since."""
        kept = self._session.partial
        if not kept:
            return {}
        now = self._current.get(kept["path"])
        if now is None or hashlib.sha256(now).hexdigest() != kept["after"]:
            return {}
        return {kept["path"]: base64.b64decode(kept["before"])}
