"""Which sessions loaded which skill: real journals, and stores as Claude Code and Codex write them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agentloop import events as ev
from agentloop.agents import registry
from agentloop.agents.store import loaded_skills, stored_sessions
from agentloop.cli import cli
from agentloop.records import folders, journal
from agentloop.repo import Repo
from agentloop.skills.library import Library
from agentloop.skills.usage import UNUSED_AFTER, Usage, Use, usages

from .test_distill import failed, job
from .test_repo import begin, git

LONG_AGO = "2020-01-01T00:00:00"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setenv("GIT_COMMITTER_DATE", LONG_AGO)
    return begin(tmp_path / "repo")


def supervised(repo: Repo, session: str, *events: ev.Event, outcome: ev.Outcome | None = "reached") -> None:
    """A run that was."""
    folder = folders.new_run(repo.common_dir)
    book = journal.Journal(folder)
    book.append(ev.RunStarted(run=folder.run, version="0", job=job()))
    book.append(ev.TurnStarted(turn=1, purpose="work", prompt="", log=""))
    book.append(ev.SessionOpened(session=session))
    for event in events:
        book.append(event)
    if outcome:
        book.append(ev.RunEnded(outcome=outcome, exit_code=0, reason=""))
    book.close()


def claude_session(home: Path, session: str, cwd: Path, *skills: str) -> None:
    calls = [{"type": "tool_use", "name": "Skill", "input": {"skill": skill}} for skill in skills]
    lines = [
        {"type": "queue-operation", "sessionId": session},
        {"type": "user", "cwd": str(cwd), "sessionId": session, "message": {"content": "use the skill x/SKILL.md"}},
        {"type": "assistant", "cwd": str(cwd), "sessionId": session, "message": {"content": calls}},
    ]
    path = home / f".claude/projects/some-project/{session}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(line) for line in lines) + '\n{"torn')


def by_name(repo: Repo, *names: str) -> dict[str, Usage]:
    """What is known of skills that were last changed long ago."""
    for name in names:
        folder = repo.root / "skills" / name
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text(f"---\nname: {name}\ndescription: D.\n---\n\nB.\n")
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "Keep skills")
    return {one.skill: one for one in usages(repo, Library.of(repo.root, "skills"))[0]}


def test_a_run_says_which_skill_was_loaded_and_how_it_ended(repo: Repo) -> None:
    supervised(repo, "s-1", ev.SkillLoaded(name="dates"))
    supervised(repo, "s-2", ev.SkillLoaded(name="dates"), failed(1, "boom"))
    supervised(repo, "s-3", ev.SkillLoaded(name="dates"), failed(1, "boom"), outcome="not_reached")
    supervised(repo, "s-4", ev.SkillLoaded(name="dates"), outcome=None)
    supervised(repo, "s-5")
    found = by_name(repo, "dates", "times")
    dates = found["dates"]
    assert (len(dates.uses), dates.reached, dates.at_once, dates.failed) == (4, 2, 1, 1)
    assert {use.session for use in dates.uses} == {"s-1", "s-2", "s-3", "s-4"}
    assert dates.sessions_since == found["times"].sessions_since == 5
    assert not found["times"].uses


def test_a_journal_that_cannot_be_read_hides_no_other_run(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    supervised(repo, "s-1", ev.SkillLoaded(name="dates"))
    supervised(repo, "s-2", ev.SkillLoaded(name="dates"))
    damaged = folders.runs(repo.common_dir)[-1].journal
    damaged.write_text('{"type":"of another version"}\n' + damaged.read_text())
    by_name(repo, "dates")
    monkeypatch.chdir(repo.root)
    for command in ("usage", "archive"):
        done = CliRunner().invoke(cli, ["skills", command])
        assert done.exit_code == 0
        assert done.stderr.startswith(f"not read: the journal {damaged}")
    assert CliRunner().invoke(cli, ["skills", "usage"]).stdout.startswith("dates: loaded in 1 session")


def test_a_session_that_a_person_drove_is_found_in_the_agents_store(repo: Repo, isolated_home: Path) -> None:
    claude_session(isolated_home, "by-hand", repo.root / "sub", "dates")
    claude_session(isolated_home, "elsewhere", repo.root.parent, "dates")
    claude_session(isolated_home, "supervised", repo.root, "dates")
    supervised(repo, "supervised", ev.SkillLoaded(name="dates"))
    dates = by_name(repo, "dates")["dates"]
    assert {(use.session, use.outcome) for use in dates.uses} == {("by-hand", ""), ("supervised", "reached")}
    assert dates.sessions_since == 2


def test_a_store_may_hold_anything(repo: Repo, isolated_home: Path) -> None:
    claude_session(isolated_home, "fine", repo.root, "dates")
    folder = isolated_home / ".claude/projects/some-project"
    (folder / "empty.jsonl").write_text("")
    (folder / "binary.jsonl").write_bytes(b"\0\xff" * 100)
    (folder / "other.jsonl").write_text('[1]\n"x"\n{"cwd": 7}\n')
    (folder / "folder.jsonl").mkdir()
    (folder / "gone.jsonl").symlink_to(folder / "nowhere")
    claude = registry.load("claude")
    found = list(stored_sessions(claude, repo.root))
    assert [(one.session, loaded_skills(claude, one)) for one in found] == [("fine", ("dates",))]


@pytest.mark.parametrize(("loaded", "since", "proposed"), [(0, UNUSED_AFTER, True), (0, 9, False), (1, 99, False)])
def test_a_skill_that_nobody_loads_is_proposed_for_the_archive(loaded: int, since: int, proposed: bool) -> None:
    uses = tuple(Use("dates", "claude", f"s-{number}", 1.0) for number in range(loaded))
    assert bool(Usage("dates", uses, since).proposal) is proposed


@pytest.mark.parametrize(
    ("outcomes", "proposed"),
    [
        (["not_reached", "not_reached", "reached"], True),
        (["not_reached", "not_reached"], False),
        (["not_reached", "reached", "reached"], False),
        (["", "", "", "not_reached"], False),
    ],
)
def test_a_skill_that_fails_its_sessions_is_proposed_for_the_archive(outcomes: list[str], proposed: bool) -> None:
    uses = tuple(Use("dates", "claude", f"s-{at}", 1.0, "r", outcome) for at, outcome in enumerate(outcomes))
    assert bool(Usage("dates", uses, 5).proposal) is proposed


def test_the_archive_proposes_what_nobody_loads(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    by_name(repo, "dates", "times")
    for number in range(UNUSED_AFTER):
        supervised(repo, f"s-{number}", ev.SkillLoaded(name="times"))
    monkeypatch.chdir(repo.root)
    said = CliRunner().invoke(cli, ["skills", "archive"])
    assert said.exit_code == 0, said.output
    assert said.stdout.splitlines() == ["dates: none of the 10 sessions since its last change loaded it"]
    assert "times: loaded in 10 sessions" in CliRunner().invoke(cli, ["skills", "usage"]).stdout
