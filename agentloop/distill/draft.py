"""The draft: what a session left in the staging folder, held against the rules and against the run, and signed."""

import difflib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from agentloop import events as ev
from agentloop.distill.existing import Existing
from agentloop.distill.grounds import Evidence
from agentloop.distill.staging import STAGING, Staging
from agentloop.skills import findings
from agentloop.skills import format as skill_format
from agentloop.skills.disk import MAX_FILE_BYTES
from agentloop.skills.findings.files import texts_in
from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.grounding import ungrounded
from agentloop.skills.findings.leak import leaks
from agentloop.skills.findings.neighbours import more_tools, over_budget, repeats
from agentloop.skills.findings.privacy import masked
from agentloop.skills.rejections import Rejected
from agentloop.state import RunState
from agentloop.text.quoting import one_line, plain, shorten, writable
from agentloop.text.redact import redact

_MAX_DIFF_CHARS = 8000
_MAX_FINDINGS = 30
_MAX_FINDING_CHARS = 600
_STAMP = "agentloop-"
_DECLINED = re.compile(r"^[ \t>*_`]*NO SKILL:?\s*(?P<reason>.*)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Inspection:
    """The looking at a draft.

    Args:
        state: the run's state, whose last turn was about the skill.
        staging: where the session wrote.
        evidence: what the run knows.
        rejected: the drafts that a person rejected.
    """

    state: RunState
    staging: Staging
    evidence: Evidence
    rejected: Sequence[Rejected] = ()

    @cached_property
    def _existing(self) -> Existing:
        return Existing(self.evidence.repo, self.state.task)

    def inspect(self, kept: Path) -> ev.SkillDrafted | ev.SkillDeclined | ev.SkillKeptBack:
        """Say what the last skill turn came to, and keep a copy of its draft in `kept`, signed if nothing is wrong."""
        drafts = self.staging.drafts()
        strays = self.evidence.skills_touched()
        if not drafts:
            return _nothing(self.state.skill_turns[-1], strays)
        draft = drafts[0]
        path = _keep(draft, kept)
        former = self._existing.files(draft.name)
        problems = self._misplaced(drafts, strays) or _errors(draft) or self._against_the_run(path) or _plainly(path)
        if not problems:
            sign(path, former.get(skill_format.FILE, ""), self.state, self.evidence.agent_version())
        return ev.SkillDrafted(
            name=one_line(redact(draft.name), _MAX_FINDING_CHARS),
            path=str(path),
            findings=_told(problems),
            operation="update" if skill_format.FILE in former else "create",
            diff=difference(former, texts_in(path)),
        )

    def _misplaced(self, drafts: Sequence[Path], strays: Sequence[str]) -> list[str | Finding]:
        """What does not lie where the one draft is wanted."""
        found: list[str | Finding] = []
        if len(drafts) > 1:
            names = ", ".join(draft.name for draft in drafts)
            found.append(f"exactly one skill folder is wanted in {self.staging.relative}, found {len(drafts)}: {names}")
        if strays:
            found.append(f"outside of the draft folder you also wrote {', '.join(strays)}: take that back")
        if _DECLINED.search(self.state.skill_turns[-1].text):
            found.append("you answered NO SKILL and left a draft: remove it, or answer without that line to keep it")
        return found

    def _against_the_run(self, draft: Path) -> list[str | Finding]:
        texts = texts_in(draft)
        former = self._existing.files(draft.name)
        if _without_metadata(texts) == _without_metadata(former):
            return [f"the draft is the skill {draft.name} as it is: change it, or remove it and answer NO SKILL"]
        skill = skill_format.read(draft)
        rejected = {one.text: one.reason for one in self.rejected}
        found = [
            *ungrounded(texts, self.evidence.grounds(draft, former)),
            *leaks(texts, self.evidence.solution()),
            *more_tools(skill, _parsed(former.get(skill_format.FILE, ""))),
            *repeats(draft.name, texts[skill_format.FILE], self._existing.texts, rejected),
            *over_budget(draft.name, skill.description, self._existing.descriptions),
        ]
        return [finding for finding in found if finding.severity == "error"]


def _without_metadata(texts: Mapping[str, str]) -> dict[str, str]:
    """What a skill says, without what it says of itself."""
    skill = _parsed(texts.get(skill_format.FILE, ""))
    plainly = {skill_format.FILE: skill_format.render(replace(skill, metadata={}, license=""))} if skill else {}
    return {**texts, **plainly}


def _errors(folder: Path) -> list[str | Finding]:
    return [finding for finding in findings.find(folder) if finding.severity == "error"]


def _plainly(path: Path) -> list[str | Finding]:
    """What is wrong with the copy, its SKILL.md written as it is committed.

    YAML can say a text in escapes and over several lines; and only the copy stays as it was looked at.
    """
    try:
        _write(path, skill_format.read(path))
    except skill_format.SkillFormatError as error:
        return [f"{skill_format.FILE}:{error.line}: {error.message}"]
    return _errors(path)


def _write(path: Path, skill: skill_format.Skill) -> None:
    (path / skill_format.FILE).write_text(skill_format.render(skill), encoding="utf-8")


def _told(problems: Sequence[str | Finding]) -> tuple[str, ...]:
    """The findings as a session is told of them: what they quote is the draft's."""
    told = [one_line(redact(str(problem)), _MAX_FINDING_CHARS) for problem in problems[:_MAX_FINDINGS]]
    more = len(problems) - len(told)
    return (*told, *([f"and {more} more"] if more else []))


def difference(before: Mapping[str, str], after: Mapping[str, str], max_chars: int = _MAX_DIFF_CHARS) -> str:
    """What a draft changes in a skill, as a bounded unified diff; empty for a new one.

    Args:
        before: the skill's texts by path; empty when there was none.
        after: the draft's.
        max_chars: what is longer is cut in its middle.
    """
    if not before:
        return ""
    parts: list[str] = []
    for path in sorted({*before, *after}):
        old, new = (texts.get(path, "").splitlines() for texts in (before, after))
        parts += difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="")
    return shorten(redact(plain("\n".join(parts))), max_chars)


def _nothing(turn: ev.TurnEnded, strays: Sequence[str]) -> ev.SkillDeclined | ev.SkillKeptBack:
    declined = _DECLINED.search(turn.text)
    if declined and not strays:
        return ev.SkillDeclined(reason=redact(declined["reason"].strip() or "no reason given"))
    reason = f"the session wrote no draft: {turn.error}" if turn.status != "done" else "the session wrote no draft"
    if strays:
        reason += f"; it wrote {', '.join(strays)} instead, which was left there and is not committed"
    return ev.SkillKeptBack(reason=reason)


def _keep(draft: Path, kept: Path) -> Path:
    shutil.rmtree(kept, ignore_errors=True)
    target = kept / writable(draft.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    if draft.is_symlink():
        target.symlink_to(draft.readlink())
    else:
        shutil.copytree(draft, target, symlinks=True, ignore=_not_kept)
    return target


def _not_kept(folder: str, names: list[str]) -> list[str]:
    """What is told of and not copied: files of 30 MB, what is no file, and folders without an end."""
    paths = [Path(folder) / name for name in names]
    return [path.name for path in paths if not (path.is_symlink() or _is_shallow(path) or _is_small_file(path))]


def _is_shallow(path: Path) -> bool:
    depth = len(path.parts) - path.parts.index(STAGING) if STAGING in path.parts else 0
    return path.is_dir() and depth <= findings.MAX_DEPTH


def _is_small_file(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= MAX_FILE_BYTES


def sign(path: Path, former: str, state: RunState, version: str | None) -> None:
    """Write into a draft's metadata where it comes from; what the skill that it updates said of itself is kept.

    What a draft says of that itself does not count.

    Args:
        path: the draft.
        former: the SKILL.md that it updates; empty when there is none.
        state: the run's state.
        version: the agent's; None: as the draft says that was signed before, since it may be another by now.

    Raises:
        SkillFormatError: the draft cannot be read.
    """
    skill = skill_format.read(path)
    before = _parsed(former)
    if before:
        skill = replace(skill, license=skill.license or before.license)
    stamp = origin(state, version or "")
    said = skill.metadata.get("agentloop-agent", "")
    if version is None and said.startswith(f"{state.task.agent} "):
        stamp["agentloop-agent"] = said
    kept = {**(before.metadata if before else {}), **skill.metadata}
    kept = {key: redact(value) for key, value in kept.items() if value and not key.startswith(_STAMP)}
    stamp = {key: masked(redact(value), brackets=True)[0] for key, value in stamp.items() if value}
    _write(path, replace(skill, metadata={**kept, **stamp}))


def _parsed(text: str) -> skill_format.Skill | None:
    try:
        return skill_format.parse(text)
    except skill_format.SkillFormatError:
        return None  # there is none, or none of which anything can be kept


def _session(state: RunState) -> str:
    """Which session wrote it, when that was not the one that did all of the work."""
    if not state.resumable:
        return "none: prompted with the run's ledger"
    if state.skill_from_ledger:
        return "lost: a new one was prompted with the run's ledger"
    return "fresh: each attempt had its own, with the run's ledger" if state.task.session == "fresh" else ""


def origin(state: RunState, version: str) -> dict[str, str]:
    """Where a skill comes from, as its metadata says it.

    Args:
        state: the run's state.
        version: the agent's; empty when it is unknown.
    """
    models = [turn.model for turn in state.turns if turn.model]
    red = state.baseline is not None and state.baseline.verdict != "pass"
    return {
        "agentloop-run": state.run,
        "agentloop-agent": f"{state.task.agent} {version}".strip(),
        "agentloop-model": models[-1] if models else "",
        "agentloop-until": "; ".join(state.task.until),
        "agentloop-base": state.base or "",
        "agentloop-red-to-green": "yes" if red else "no",
        "agentloop-attempts": str(len(state.checks)),
        "agentloop-session": _session(state),
        "agentloop-driven-by": "a person" if state.task.by_hand else "",
        "agentloop-status": "provisional",
    }
