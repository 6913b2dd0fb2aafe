"""The distilling: the run's evidence in, a draft out.

The prompts are made from the folded state alone; the session writes into a staging folder that git ignores, and what
it wrote is copied into the run's folder before anything else happens to it.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agentloop import events as ev
from agentloop import prompts
from agentloop.quoting import fenced, shorten
from agentloop.redact import redact
from agentloop.repo import Repo
from agentloop.skills import findings
from agentloop.skills import format as skill_format
from agentloop.state import RunState

STAGING = ".agentloop-draft"
_MAX_DIFF_CHARS = 3000
_MAX_LEDGER_CHARS = 24_000
_MAX_EXISTING_CHARS = 16_000
_NEAREST = 3
_PASS_VERBS = (" passes", " pass", " succeeds")
_DECLINED = re.compile(r"^[\s>*_`]*NO SKILL:?\s*(?P<reason>.*)", re.MULTILINE | re.IGNORECASE)
_WORD = re.compile(r"[a-z][a-z0-9_]{3,}")


@dataclass(frozen=True, slots=True)
class Staging:
    """The folder in the tree that a session writes its draft to, ignored by a file of its own."""

    root: Path
    run: str

    @property
    def folder(self) -> Path:
        """Where the draft's folder is to be made."""
        return self.root / STAGING / self.run

    @property
    def relative(self) -> str:
        """The folder as the prompt names it."""
        return f"{STAGING}/{self.run}"

    def open(self) -> None:
        """Make the folder, empty."""
        parent = self.root / STAGING
        for path in (parent, self.folder, parent / ".gitignore"):
            _take_away_link(path)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (parent / ".gitignore").write_text("*\n", encoding="utf-8")

    def close(self) -> None:
        """Take the folder away; the staging folder as a whole when no other run uses it."""
        parent = self.root / STAGING
        for path in (parent, self.folder):
            _take_away_link(path)
        shutil.rmtree(self.folder, ignore_errors=True)
        if parent.is_dir() and not any(path.is_dir() for path in parent.iterdir()):
            shutil.rmtree(parent, ignore_errors=True)

    def drafts(self) -> list[Path]:
        """The drafts in it: the folders, a link among them too, so that it is found out."""
        led_astray = self.folder.is_symlink() or (self.root / STAGING).is_symlink()
        if led_astray or not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if path.is_dir() or path.is_symlink())


def _take_away_link(path: Path) -> None:
    """An agent can put a link, or a file, where our folder belongs; it must not lead us to the person's files."""
    if path.is_symlink() or path.is_file():
        path.unlink()


def check_lines(leaves: Sequence[ev.Leaf]) -> str:
    """The lines by which a prompt names the conditions of the predicate: a command that has to succeed as it is run."""
    return "\n".join(f"Check: `{leaf.command if _has_to_succeed(leaf) else leaf.source}`" for leaf in leaves)


def _has_to_succeed(leaf: ev.Leaf) -> bool:
    source = leaf.source.strip()
    is_bare = source.strip("\"'") == leaf.command
    return leaf.kind == "command" and not source.startswith("not ") and (is_bare or source.endswith(_PASS_VERBS))


def ledger(state: RunState, repo: Repo | None = None) -> str:
    """The run's own record in Markdown: each failed check and, with a repository, what changed after it."""
    parts = []
    for position, check in enumerate(state.checks):
        lines = [f"### Attempt {check.attempt}: {check.verdict}"]
        told = [leaf for leaf in check.leaves if leaf.verdict != "pass"] or check.leaves
        lines += [f"- `{leaf.source}`: {leaf.reason}" for leaf in told]
        first = next((leaf.output for leaf in check.leaves if leaf.verdict != "pass" and leaf.output), "")
        if first:
            lines += ["", fenced(shorten(first, 1500))]
        around = state.snapshots[position + 1 : position + 3]
        if repo and check.verdict != "pass" and len(around) == 2:
            lines += ["", *_change(repo, *around)]
        parts.append("\n".join(lines))
    return shorten("\n\n".join(parts), _MAX_LEDGER_CHARS) or "(no attempt was checked yet)"


def _change(repo: Repo, before: ev.Snapshotted, after: ev.Snapshotted) -> list[str]:
    if before.tree == after.tree:
        return ["Nothing changed after it."]
    diff = redact(repo.diff(before.commit, after.commit, max_chars=_MAX_DIFF_CHARS))
    return ["What changed after it:", "", fenced(diff, "diff")]


def distill_prompt(state: RunState, repo: Repo, staging: Staging) -> str:
    """The prompt that asks the session for the skill, with the run's evidence."""
    check = state.checks[-1]
    return prompts.render(
        "distill",
        command="; ".join(leaf.source for leaf in check.leaves),
        exit_code="0",
        attempts=str(len(state.checks)),
        ledger=ledger(state, repo),
        existing=_existing(repo.root / state.task.skills_dir, _vocabulary(state)),
        draft_folder=staging.relative,
        checks=check_lines(check.leaves),
    )


def repair_prompt(state: RunState, staging: Staging, problems: Sequence[str]) -> str:
    """The prompt that sends the findings back."""
    return prompts.render(
        "repair",
        findings="\n".join(f"- {problem}" for problem in problems),
        draft_folder=staging.relative,
        checks=check_lines(state.checks[-1].leaves),
    )


def inspect(state: RunState, staging: Staging, kept: Path) -> ev.SkillDrafted | ev.SkillDeclined | ev.SkillKeptBack:
    """Say what the last skill turn came to, and keep a copy of its draft in `kept`."""
    turn = state.skill_turns[-1]
    drafts = staging.drafts()
    declined = _DECLINED.search(turn.text)
    if not drafts:
        if declined:
            return ev.SkillDeclined(reason=redact(declined["reason"].strip() or "no reason given"))
        reason = f"the turn {turn.status}: {turn.error}" if turn.status != "done" else "the session wrote no draft"
        return ev.SkillKeptBack(reason=reason)
    if len(drafts) > 1:
        names = ", ".join(draft.name for draft in drafts)
        problem = f"exactly one skill folder is wanted in {staging.relative}, found {len(drafts)}: {names}"
        return ev.SkillDrafted(name=drafts[0].name, path=str(_keep(drafts[0], kept)), findings=(problem,))
    draft = drafts[0]
    errors = [str(finding) for finding in findings.find(draft) if finding.severity == "error"]
    path = _keep(draft, kept)
    if not errors:
        _sign(path, state)
    return ev.SkillDrafted(name=draft.name, path=str(path), findings=tuple(errors))


def _keep(draft: Path, kept: Path) -> Path:
    shutil.rmtree(kept, ignore_errors=True)
    target = kept / draft.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if draft.is_symlink():
        target.symlink_to(draft.readlink())
    else:
        shutil.copytree(draft, target, symlinks=True)
    return target


def _sign(path: Path, state: RunState) -> None:
    """Write into the skill's metadata where it comes from."""
    skill = skill_format.read(path)
    origin = {
        "agentloop-run": state.run,
        "agentloop-agent": state.task.agent,
        "agentloop-until": "; ".join(state.task.until),
        "agentloop-attempts": str(len(state.checks)),
        "agentloop-status": "provisional",
    }
    if not state.resumable:
        origin["agentloop-session"] = "none: prompted with the run's ledger"
    metadata = {**skill.metadata, **{key: redact(value) for key, value in origin.items()}}
    signed = skill_format.render(replace(skill, metadata=metadata))
    (path / "SKILL.md").write_text(signed, encoding="utf-8")


def _vocabulary(state: RunState) -> set[str]:
    outputs = [leaf.output for check in state.checks for leaf in check.leaves]
    return set(_WORD.findall(" ".join([state.task.task, *outputs]).lower()))


def _existing(folder: Path, vocabulary: set[str]) -> str:
    """The nearest existing skills in full, and the names of the others."""
    texts = {path.parent.name: _text(path) for path in sorted(folder.glob("*/SKILL.md"))}
    if not texts:
        return "(there are none yet)"
    order = sorted(texts, key=lambda name: -len(vocabulary & set(_WORD.findall(texts[name].lower()))))
    parts = [f"#### {name}\n\n{fenced(texts[name], 'markdown')}" for name in order[:_NEAREST]]
    if order[_NEAREST:]:
        parts.append("Others, by name: " + ", ".join(order[_NEAREST:]))
    return shorten(redact("\n\n".join(parts)), _MAX_EXISTING_CHARS)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return f"(cannot be read: {error.strerror})"
