"""What is the matter with an agent: findings with their remedies, from facts that were gathered before. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agentloop.agents import versions
from agentloop.agents.sources import Source
from agentloop.agents.spec import Adapter
from agentloop.text.quoting import one_line

Level = Literal["ok", "note", "problem"]

_LINK = "agentloop skills link"
_MAX_NAMES = 5
_MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about an agent."""

    about: str
    level: Level
    """A problem keeps the agent from being used, a note does not."""
    words: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one of an agent's own commands came to."""

    output: str = ""
    failure: str = ""
    """Why there is no answer."""
    in_time: bool = True
    command: str = ""


@dataclass(frozen=True, slots=True)
class Ours:
    """The skills of the repository, and where they are linked."""

    folder: str
    """Relative to the root."""
    names: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """The folders in which `agentloop skills link` puts links."""
    lacks: tuple[tuple[str, str], ...] = ()
    """What is missing, stale or broken there, and its path."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about an agent."""

    adapter: Adapter
    source: Source
    program: str | None
    """Where its program is; None when it is nowhere."""
    hides_ours: bool = False
    """It is described by a file that stands before the one that comes with agentloop."""
    version: Answer | None = None
    keys: tuple[str, ...] = ()
    """Those of its variables that are set."""
    key_files: tuple[str, ...] = ()
    """Those of its login files that are there."""
    user_folders: tuple[str, ...] = ()
    """The folders with skills of its user that are there."""
    found: Mapping[str, str] = field(default_factory=dict)
    """Those of our skills that are in a folder which it reads, and the first such folder."""
    ours: Ours | None = None
    """None outside of a repository."""
    probe: Answer | None = None
    """What it lists as its skills."""
    store: str = ""
    """Where its sessions are; empty when that place is not there."""


def diagnose(facts: Facts) -> list[Finding]:
    """Say what is the matter with an agent; of one that is not installed, only that."""
    parts = (_program, _version, _login, _skills, _seen, _permissions, _drivers, _sessions, _file)
    return [finding for part in (parts if facts.program else (_program, _file)) for finding in part(facts)]


def is_usable(findings: Sequence[Finding]) -> bool:
    """A run with the agent can begin."""
    return not any(finding.level == "problem" for finding in findings)


def rests_on(adapter: Adapter) -> str:
    """What the description of an agent rests on."""
    if not adapter.proven:
        return adapter.evidence
    first, *_between = adapter.proven
    return f"run with {first}" if first == adapter.proven[-1] else f"run with {first} to {adapter.proven[-1]}"


def _program(facts: Facts) -> Iterator[Finding]:
    if facts.program:
        yield Finding("program", "ok", facts.program)
        return
    name = facts.adapter.program
    remedy = facts.adapter.install or f"install it, and see that {name} is on PATH"
    yield Finding("program", "problem", f"{name} is not on PATH", remedy)


def _version(facts: Facts) -> Iterator[Finding]:
    adapter, asked = facts.adapter, facts.version
    if asked is None:
        yield Finding("version", "ok", "not asked for: its file has no command for that")
        return
    if asked.failure:
        remedy = f"see what {asked.command} says; to install it anew: {adapter.install}" if adapter.install else ""
        yield Finding("version", "problem" if asked.in_time else "note", asked.failure, remedy)
        return
    version = versions.find(asked.output)
    if not version:
        yield Finding("version", "note", f"it does not say: {one_line(asked.output, 80) or 'it printed nothing'}")
    elif not adapter.proven:
        level: Level = "note" if adapter.evidence else "ok"
        yield Finding("version", level, f"{version}; {adapter.evidence}" if adapter.evidence else version)
    else:
        yield _compared(adapter, version)


def _compared(adapter: Adapter, version: str) -> Finding:
    match versions.standing(version, adapter.proven):
        case "proven":
            return Finding("version", "ok", version)
        case "older":
            words = f"{version} is older than what its file was {rests_on(adapter)}"
            return Finding("version", "note", words, f"update it: {adapter.install}" if adapter.install else "")
    words = f"{version} is newer than what its file was {rests_on(adapter)}"
    return Finding("version", "note", words, "if a run reads it wrongly, its file has to follow: agentloop agents show")


def _login(facts: Facts) -> Iterator[Finding]:
    adapter = facts.adapter
    there = [*(f"{name} is set" for name in facts.keys), *(f"there is {path}" for path in facts.key_files)]
    if not adapter.keys and not adapter.key_files:
        yield Finding("login", "ok", "nothing to look for: its file names no key and no login")
    elif there:
        yield Finding("login", "ok", ", ".join(there))
    else:
        lacking = [f"none of {', '.join(adapter.keys)} is set"] if adapter.keys else []
        lacking += [f"there is no {' or '.join(adapter.key_files)}"] if adapter.key_files else []
        remedy = "start it once by itself to log in" + (", or set one of the variables" if adapter.keys else "")
        yield Finding("login", "note", "; ".join(lacking), remedy)


def _skills(facts: Facts) -> Iterator[Finding]:
    adapter, ours = facts.adapter, facts.ours
    folders = ", ".join(adapter.skills)
    if not adapter.skills:
        yield Finding("skills", "note", "its file names no folder that it reads skills from")
    elif ours is None:
        yield Finding("skills", "ok", f"it reads {folders} of a repository; here is none")
    elif not ours.names:
        yield Finding("skills", "ok", f"it reads {folders}; there are no skills in {ours.folder}/ yet")
    else:
        yield from _linked(adapter, ours, facts.found)
    if adapter.user_skills:
        there = f"there is {', '.join(facts.user_folders)}" if facts.user_folders else "nothing is there"
        yield Finding("your skills", "ok", f"it reads {', '.join(adapter.user_skills)}; {there}")


def _linked(adapter: Adapter, ours: Ours, found: Mapping[str, str]) -> Iterator[Finding]:
    folders = ", ".join(adapter.skills)
    missing = [name for name in ours.names if name not in found]
    wrong = [f"{path} is {what}" for what, path in ours.lacks if any(_is_in(path, place) for place in adapter.skills)]
    remedy = _LINK
    if missing and not {*adapter.skills} & {*ours.places}:
        remedy = f"mkdir -p {adapter.skills[0].rpartition('/')[0]} && {remedy}"
    if missing:
        yield Finding("skills", "note", f"not in {folders}: {_listed(missing)}", remedy)
    elif wrong:
        yield Finding("skills", "note", _listed(wrong), remedy)
    else:
        by = ", ".join(dict.fromkeys(found.values()))
        yield Finding("skills", "ok", f"it finds those of {ours.folder}/ in {by}: {_listed(ours.names)}")


def _seen(facts: Facts) -> Iterator[Finding]:
    """What the agent itself says that it sees."""
    if facts.probe is None or facts.ours is None:
        return
    if facts.probe.failure:
        yield Finding("seen", "note", f"it cannot be asked which skills it sees: {facts.probe.failure}")
        return
    unseen = [name for name in facts.ours.names if not _is_named(name, facts.probe.output)]
    if not unseen:
        yield Finding("seen", "ok", "it lists them itself")
    elif {*unseen} - {*facts.found}:
        yield Finding("seen", "note", f"it does not list {_listed(unseen)}", _LINK)
    else:
        remedy = f"see whether its settings leave skills out; it was asked by: {facts.probe.command}"
        yield Finding("seen", "note", f"it does not list {_listed(unseen)}, although it reads their folder", remedy)


def _permissions(facts: Facts) -> Iterator[Finding]:
    modes = [*facts.adapter.permissions.known()]
    if modes:
        default, *others = modes
        yield Finding("permissions", "ok", ", ".join([f"{default} unless you say otherwise", *others]))
    else:
        words = "its file names no modes: it does what its own settings allow"
        yield Finding("permissions", "ok", words)


def _drivers(facts: Facts) -> Iterator[Finding]:
    yield Finding("driver", "ok", ", ".join(facts.adapter.drivers))


def _sessions(facts: Facts) -> Iterator[Finding]:
    store = facts.adapter.store
    if store is None:
        yield Finding("sessions", "ok", "its file does not say where it keeps them")
    elif facts.store:
        yield Finding("sessions", "ok", f"they are in {facts.store}")
    else:
        yield Finding("sessions", "ok", f"none were kept yet: there is no {store.root}")


def _file(facts: Facts) -> Iterator[Finding]:
    match facts.source.origin:
        case "user" if facts.hides_ours:
            words = f"your own {facts.source.path} stands before the one that comes with agentloop"
            yield Finding("file", "note", words, "move it away to use that one")
        case "user":
            yield Finding("file", "ok", f"your own {facts.source.path}")
        case "package":
            yield Finding("file", "ok", f"of an installed package: {facts.source.path}")
        case "agentloop":
            yield Finding("file", "ok", "it comes with agentloop")


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _is_named(name: str, output: str) -> bool:
    """The name stands in it as a word; an escaped line end of JSON may stand before it."""
    return re.search(rf"(?:(?<![\w-])|(?<=\\n)){re.escape(name)}(?![\w-])", output) is not None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return one_line(", ".join(names[:_MAX_NAMES]), _MAX_WORDS) + more
