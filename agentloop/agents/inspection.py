"""Finding out about agents: their programs, versions, logins, folders, and what they see, side by side."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from agentloop.agents import store
from agentloop.agents.diagnosis import Answer, Facts, Ours
from agentloop.agents.sources import Source, comes_with_agentloop
from agentloop.agents.spec import Adapter
from agentloop.config import expanded
from agentloop.errors import CannotStartError
from agentloop.process import Exited, Program, child_environment, run_side_by_side
from agentloop.text.quoting import one_line, plain

_AT_ONCE = 4
_VERSION_TIMEOUT_S = 30.0
_PROBE_TIMEOUT_S = 60.0
_MAX_BYTES = 4 * 1024 * 1024
_TAG = "agents-doctor"


class _Question:
    """One of an agent's own commands."""

    def __init__(self, facts: Facts, about: str, cwd: Path) -> None:
        self.key = (facts.source.name, about)
        self._printed, self._errors = bytearray(), bytearray()
        adapter = facts.adapter
        template = adapter.version if about == "version" else adapter.skills_probe
        self.program = Program(
            argv=tuple(_filled(word, facts.program or "", cwd) for word in template),
            cwd=cwd,
            env=child_environment(_TAG, **adapter.environment),
            timeout_s=_VERSION_TIMEOUT_S if about == "version" else _PROBE_TIMEOUT_S,
            on_output=lambda chunk: _keep(self._printed, chunk),
            on_errors=lambda chunk: _keep(self._errors, chunk),
        )

    def answer(self, ended: Exited | CannotStartError) -> Answer:
        """What came of it."""
        command = shlex.join(self.program.argv)
        # A warning may name another version, or a time; what was asked for comes first.
        output = plain(b"\n".join(filter(None, [self._printed, self._errors])).decode("utf-8", "replace"))
        if isinstance(ended, CannotStartError):
            return Answer(failure=ended.message, command=command)
        if ended.ended_by != "itself":
            words = f"it did not answer within {self.program.timeout_s:.0f} s"
            return Answer(failure=words, in_time=False, command=command)
        if ended.code != 0:
            how = f"exit code {ended.code}" if ended.signal is None else f"signal {ended.signal}"
            return Answer(failure=f"{how}: {one_line(output, 200) or 'it printed nothing'}", command=command)
        return Answer(output=output, command=command)


def _keep(printed: bytearray, chunk: bytes) -> None:
    printed += chunk[: max(0, _MAX_BYTES - len(printed))]


def inspect(agents: Iterable[tuple[Source, Adapter]], cwd: Path, ours: Ours | None) -> list[Facts]:
    """Find out about agents; those that are installed are asked, a few at a time, each for a bounded time.

    Args:
        agents: each with the file that describes it.
        cwd: the root of the repository; outside of one any folder.
        ours: the skills of the repository.
    """
    at_rest = [_at_rest(source, adapter, cwd, ours) for source, adapter in agents]
    questions = [question for facts in at_rest for question in _questions(facts, cwd)]
    ended = run_side_by_side([question.program for question in questions], at_once=_AT_ONCE)
    answers = {question.key: question.answer(how) for question, how in zip(questions, ended, strict=True)}
    return [
        replace(
            facts, version=answers.get((facts.source.name, "version")), probe=answers.get((facts.source.name, "skills"))
        )
        for facts in at_rest
    ]


def _questions(facts: Facts, cwd: Path) -> Iterator[_Question]:
    if facts.program and facts.adapter.version:
        yield _Question(facts, "version", cwd)
    if facts.program and facts.adapter.skills_probe and facts.ours and facts.ours.names:
        yield _Question(facts, "skills", cwd)


def _at_rest(source: Source, adapter: Adapter, cwd: Path, ours: Ours | None) -> Facts:
    """What can be known without starting anything; of keys and logins, that they are there."""
    return Facts(
        adapter=adapter,
        source=source,
        program=_on_path(adapter.program),
        hides_ours=source.origin == "user" and comes_with_agentloop(source.name),
        keys=tuple(name for name in adapter.keys if os.environ.get(name)),
        key_files=_there(adapter.key_files),
        user_folders=_there(adapter.user_skills),
        found=_found(adapter.skills, cwd, ours),
        ours=ours,
        store=_store(adapter),
    )


def _on_path(program: str) -> str | None:
    found = shutil.which(program)
    return str(Path(found).absolute()) if found else None


def _there(paths: Sequence[str]) -> tuple[str, ...]:
    """Those that are there, as they are written."""
    places = {path: expanded(path, os.environ) for path in paths}
    return tuple(path for path, place in places.items() if place and place.exists())


def _found(folders: Sequence[str], root: Path, ours: Ours | None) -> dict[str, str]:
    """Those of our skills that an agent comes upon in its folders, and in which of them first."""
    places = [(name, folder) for name in (ours.names if ours else ()) for folder in reversed(folders)]
    return {name: folder for name, folder in places if (root / folder / name / "SKILL.md").is_file()}


def _store(adapter: Adapter) -> str:
    root = store.folder(adapter.store) if adapter.store else None
    return str(root) if root and root.is_dir() else ""


def _filled(word: str, program: str, cwd: Path) -> str:
    return word.replace("{program}", program).replace("{python}", sys.executable).replace("{cwd}", str(cwd))
