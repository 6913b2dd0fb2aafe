"""Runs of the past whose draft was kept back, written as a supervisor writes them."""

from pathlib import Path

from agentloop import events as ev
from agentloop.job import Job
from agentloop.records import folders, journal
from agentloop.repo import Repo

SKILL = """---
name: {name}
description: "How it is counted. Use when the count is wrong."
---

# Counting

Check it with `sh check.sh`.
"""


def keep_back(
    repo: Repo, number: int = 1, name: str = "keep-counting", text: str | None = None, reason: str = "put off",
    findings: tuple[str, ...] = (), **job: object,
) -> folders.RunFolder:  # fmt: skip
    """Make a run that has ended and whose draft waits; the higher the number, the newer the run."""
    folder = folders.RunFolder(folders.repository_folder(repo.common_dir) / f"20260101-00000{number}-000{number}")
    draft = folder.draft / name
    draft.mkdir(parents=True)
    (draft / "SKILL.md").write_text(SKILL.format(name=name) if text is None else text)
    told = Job(task="count", until=("sh check.sh passes",), agent="scripted", worktree=str(repo.root))
    book = journal.Journal(folder)
    for event in (
        ev.RunStarted(run=folder.run, version="0", job=told.model_copy(update=job), base=repo.head()),
        ev.SkillDrafted(name=name, path=str(draft), findings=findings),
        ev.SkillKeptBack(reason=reason, path=str(draft)),
        ev.RunEnded(outcome="reached", exit_code=0, reason="it holds"),
    ):
        book.append(event)
    book.close()
    return folder


def draft_of(folder: folders.RunFolder) -> Path:
    """The only draft of a run."""
    return next(folder.draft.iterdir())
