"""Drafts that wait for a person: which there are, what is to be seen of one, and what becomes of it."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agentloop import config, person
from agentloop import events as ev
from agentloop.distill.draft import difference
from agentloop.distill.existing import Existing
from agentloop.distill.staging import Staging
from agentloop.errors import PublishError, RunError, UsageError
from agentloop.records import folders, journal
from agentloop.repo import Repo
from agentloop.run import learning
from agentloop.skills import contents, rejections
from agentloop.skills.disk import MAX_FILE_BYTES
from agentloop.skills.findings import Finding, find
from agentloop.skills.findings.files import texts_in
from agentloop.skills.format import FILE
from agentloop.state import RunState
from agentloop.state.fold import fold
from agentloop.text.quoting import visible

MAX_DIFF_CHARS = 64_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A draft that was kept back, and its run."""

    folder: folders.RunFolder
    state: RunState

    @property
    def name(self) -> str:
        """The skill's name."""
        return learning.draft_of(self.state).name

    @property
    def reason(self) -> str:
        """Why it was kept back."""
        return self.state.kept_back.reason if self.state.kept_back else ""

    @property
    def unmended(self) -> tuple[str, ...]:
        """What the run found in it, as long as nobody has changed its SKILL.md since.

        Most of it only the run could tell: a command that did not run, the run's patch. None of that is found again.
        """
        if self.state.draft is None or not self.state.draft.findings:
            return ()
        try:
            changed_at = (learning.draft_of(self.state) / FILE).lstat().st_mtime
        except OSError:
            return ()
        return self.state.draft.findings if changed_at <= self.state.draft.at else ()

    @property
    def is_gone(self) -> bool:
        """Its folder is not there any more."""
        return not os.path.lexists(learning.draft_of(self.state))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft as it can be shown to a person; all of it is data of somebody else."""

    name: str
    text: str
    """Its SKILL.md, as far as it is read; empty where it cannot be."""
    files: tuple[contents.File, ...]
    findings: tuple[Finding, ...]
    diff: str
    """What it changes of the skill of that name where it is to go; empty when there is none."""

    @property
    def errors(self) -> list[Finding]:
        """The findings that have to be mended first."""
        return [finding for finding in self.findings if finding.severity == "error"]


def waiting(common_dir: Path) -> tuple[list[Waiting], list[str]]:
    """The drafts of a repository's runs that wait, newest run first; and which journals cannot be read, and why."""
    found, problems = [], []
    for folder in reversed(folders.runs(common_dir)):
        try:
            state = fold(journal.read(folder.journal)) if journal.holds(folder, ev.SkillKeptBack) else RunState()
        except RunError as error:
            problems.append(f"{error.message} ({error.hint})")
            continue
        if state.waits_for_review:
            found.append(Waiting(folder, state))
    return found, problems


def choose(drafts: Sequence[Waiting], name: str) -> list[Waiting]:
    """The drafts of that name, or of the run whose id begins or ends with it.

    Raises:
        RunError: there is none.
    """
    found = [draft for draft in drafts if name == draft.name or _is_run(draft.folder.run, name)]
    if not found:
        raise RunError(f"no draft that waits is called {name!r}, and none is of such a run",
                       hint="agentloop skills review --list shows them")  # fmt: skip
    return found


def _is_run(run: str, name: str) -> bool:
    return run.startswith(name) or run.endswith(name)


def propose(repo: Repo, state: RunState) -> Proposal:
    """Look at a run's draft.

    Raises:
        PublishError: its folder is gone.
    """
    path = learning.draft_of(state)
    if not os.path.lexists(path):
        raise PublishError(
            f"the draft of run {state.run} is gone: {visible(str(path))}",
            hint=f"to hear no more of it: agentloop skills review --reject {state.run} --reason gone",
        )
    try:
        text = contents.text(path, FILE)
    except OSError:
        text = ""  # the findings say what is wrong
    former = Existing(repo, state.task).files(path.name)
    diff = difference(former, texts_in(path), MAX_DIFF_CHARS)
    return Proposal(path.name, text, tuple(contents.files(path)), tuple(find(path)), diff)


def edit(state: RunState) -> bool:
    """Let the person edit the SKILL.md of a run's draft; the draft changes only when the editor ends well.

    Returns:
        It was changed.

    Raises:
        UsageError: the editor is missing, fails or leaves no file; or the draft cannot be edited.
        Interrupted: a signal was noted that ends the program; the draft is as it was.
    """
    path = learning.draft_of(state)
    listed = {each.name: each for each in contents.files(path)}
    if path.is_symlink() or (FILE in listed and listed[FILE].size_bytes > MAX_FILE_BYTES):
        raise UsageError(f"{path / FILE} is a link, or too large", hint="mend it by hand")
    before = contents.text(path, FILE) if FILE in listed and listed[FILE].kind == "file" else ""
    with tempfile.TemporaryDirectory(prefix="agentloop-") as place:
        copy = Path(place) / FILE
        copy.write_bytes(before.encode())
        person.edit(copy)
        try:
            after = contents.text(Path(place), FILE)
        except OSError as error:
            raise UsageError("the editor left no file: nothing was changed") from error
    if after == before:
        return False
    unfinished = path.with_name(f".{path.name}.new")  # beside the draft: whatever lies in it is committed
    unfinished.write_bytes(after.encode())
    unfinished.replace(path / FILE)
    return True


def accept(repo: Repo, draft: Waiting, skills_to: str = "") -> list[ev.Event]:
    """Commit a draft and link it as its run would have done; the run's journal says so.

    Args:
        repo: the working tree; nobody else works in it.
        draft: what was accepted.
        skills_to: where to, as `config.destination` writes it; empty: where the run's skills go.

    Returns:
        What was appended to the journal.

    Raises:
        PublishError: it has findings, is gone, or cannot be committed now; it waits as before.
        RunError: somebody else has decided.
    """
    with _undecided(draft.folder) as book:
        state = _told_where(book.state, skills_to)
        problems = propose(repo, state).errors
        if problems:
            raise PublishError("\n  ".join([f"{draft.name} breaks a rule:", *map(str, problems)]),
                               hint=f"edit it: agentloop skills review {draft.folder.run}")  # fmt: skip
        work = learning.Learning(repo, Staging(repo.root, state.run), draft.folder.draft, repo)
        work.sign(state)
        published = work.publish(state)
        done = [book.append(published)]
        if state.task.link and not published.branch:
            linked: list[ev.Event] = []
            failure = learning.unless_it_fails(book.state, lambda: linked.append(work.link(state)))
            done += [book.append(event) for event in ([failure] if failure else linked)]
        return done


def _told_where(state: RunState, skills_to: str) -> RunState:
    if not skills_to:
        return state
    to, branch = config.split_destination(skills_to)
    return replace(state, job=state.task.model_copy(update={"skills_to": to, "skills_branch": branch}))


def reject(repo: Repo, draft: Waiting, reason: str) -> None:
    """Reject a draft for good; it is remembered, so that it is not proposed again.

    Raises:
        RunError: somebody else has decided.
    """
    with _undecided(draft.folder) as book:
        rejections.remember(repo.common_dir, draft.folder.run, learning.draft_of(book.state), reason)
        book.append(ev.SkillRejected(name=draft.name, reason=reason))


@contextmanager
def _undecided(folder: folders.RunFolder) -> Iterator[journal.Journal]:
    book = journal.Journal(folder)
    try:
        if not book.state.waits_for_review:
            raise RunError(f"the draft of run {folder.run} does not wait any more: somebody else has decided")
        yield book
    finally:
        book.close()
