"""The adapters that come with agentloop, and what a user's own may say."""

import sys
import tracemalloc
from pathlib import Path

import pytest

from agentloop.agents import opening, registry
from agentloop.agents.headless import HeadlessSession
from agentloop.agents.spec import Adapter
from agentloop.errors import AdapterError, AgentUnusableError, UsageError
from agentloop.job import Job


def job(*program: str, **more: object) -> Job:
    return Job.model_validate(
        {"task": "t", "until": ("true",), "agent": "x", "program": program, "worktree": "/", **more}
    )


def put_on_path(folder: Path, *programs: str) -> str:
    folder.mkdir(exist_ok=True)
    for program in programs:
        (folder / program).write_text("#!/bin/sh\n")
        (folder / program).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("name", ["claude", "codex", "copilot", "gemini", "offline", "opencode", "qwen"])
def test_each_adapter_starts_and_resumes_the_same_session(name: str) -> None:
    adapter = registry.load(name)
    assert adapter.name == name
    assert adapter.resumable
    assert adapter.names_session
    assert ("{session}" in " ".join(adapter.start)) == (adapter.session == "chosen")
    assert adapter.start.count("{extra}") == adapter.resume.count("{extra}")


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("claude", "API Error: Request rejected (429) · slow down", "rate_limit"),
        ("claude", "Invalid API key · Fix external API key", "login"),
        ("claude", "API Error: 500 Internal server error", "transient"),
        ("claude", "No conversation found with session ID: 1", "session_lost"),
        ("claude", "Prompt is too long", "context"),
        ("codex", "exceeded retry limit, last status: 429 Too Many Requests", "rate_limit"),
        ("codex", "unexpected status 401 Unauthorized", "login"),
        ("codex", "Error: thread/resume: thread/resume failed: no rollout found for thread id 1", "session_lost"),
        ("codex", "stream disconnected before completion", "transient"),
        ("codex", "words that nobody has seen", None),
    ],
)
def test_failures_are_told_apart(name: str, text: str, kind: str | None) -> None:
    known = registry.load(name).classify(text)
    assert (known.kind if known else None) == kind


def test_a_users_adapter_stands_before_ours(isolated_home: Path) -> None:
    folder = isolated_home / ".config/agentloop/agents"
    folder.mkdir(parents=True)
    (folder / "claude.toml").write_text('name = "claude"\ntitle = "Mine"\nstart = ["mine"]\n')
    assert registry.load("claude").title == "Mine"


def test_a_users_adapter_that_is_wrong_stops_nobody_else(isolated_home: Path) -> None:
    folder = isolated_home / ".config/agentloop/agents"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('name = "mine"\nstart = ["x"]\ncolour = "red"\n')
    adapter = registry.for_program("/usr/bin/codex")
    assert adapter is not None
    assert adapter.name == "codex"
    assert registry.for_program("theirs") is None
    adapters, problems = registry.load_all()
    assert {"claude", "codex", "offline"} <= {*adapters}
    assert "mine.toml" in problems["mine"].message
    assert "colour" in problems["mine"].message
    with pytest.raises(AdapterError, match="colour"):
        registry.for_program("./mine")


def test_an_agent_without_names_for_its_sessions_is_returned_to_when_one_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", put_on_path(tmp_path / "bin", "mine"))
    nameless = job("mine", resume_with="mine --continue")
    assert not opening.open_session(nameless, "run", cwd=tmp_path).remembers
    assert opening.open_session(nameless, "run", cwd=tmp_path, begun=True).remembers
    named = job("mine", resume_with="mine --continue {session}", session_from="session: (.+)")
    assert not opening.open_session(named, "run", cwd=tmp_path, begun=True).remembers
    assert opening.open_session(named, "run", cwd=tmp_path, session="s").remembers


def test_an_adapter_that_names_no_program_is_known_by_its_own_name(isolated_home: Path) -> None:
    folder = isolated_home / ".config/agentloop/agents"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('name = "mine"\nstart = ["{program}"]\n')
    known = registry.for_program("/opt/bin/mine")
    assert known is not None
    assert (known.name, known.program) == ("mine", "mine")


def test_an_unknown_name_gets_the_near_one() -> None:
    with pytest.raises(UsageError) as caught:
        registry.load("cluade")
    assert "claude" in caught.value.hint


def test_a_known_program_keeps_the_users_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", put_on_path(tmp_path / "bin", "claude"))
    session = opening.open_session(job("claude", "-p", "--model", "opus"), "run", cwd=tmp_path)
    assert isinstance(session, HeadlessSession)
    assert (session.adapter.name, session.extra[-2:]) == ("claude", ("--model", "opus"))
    with pytest.raises(UsageError, match="which session it returns to"):
        opening.open_session(job("claude", "--resume=1"), "run", cwd=tmp_path)


def test_a_missing_program_comes_with_its_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AgentUnusableError) as caught:
        opening.open_session(job(agent="codex"), "run", cwd=tmp_path)
    assert caught.value.exit_code == 5
    assert "npm install -g @openai/codex" in caught.value.hint


RECORD = """#!/bin/sh
{ printf '%s|' "$@"; printf 'stdin='; cat; } >> heard
for word in "$@"; do [ -f "$word" ] && { printf ' file='; cat "$word"; } >> heard; done
echo "name: s7" >&2
"""


@pytest.mark.parametrize("start", ["{prompt}", "{prompt_file}", ""])
@pytest.mark.parametrize("resume", ["{prompt}", "{prompt_file}", ""])
def test_each_turn_of_an_unknown_program_gets_its_prompt_where_the_command_says(
    tmp_path: Path, start: str, resume: str
) -> None:
    program = tmp_path / "mine"
    program.write_text(RECORD)
    program.chmod(0o755)
    session = opening.open_session(
        job(
            *[str(program), *([start] if start else [])],
            resume_with=f"{program} -c {{session}} {resume}",
            session_from=r"name: (\S+)",
        ),
        "run",
        cwd=tmp_path,
    )
    for number, prompt in enumerate(("say one", "say two"), 1):
        turn = session.send(prompt, log=tmp_path / "log", timeout_s=20, idle_timeout_s=20, emit=lambda _event: None)
        assert turn.session == "s7"
        heard = (tmp_path / "heard").read_text()
        assert heard.count(prompt) == 1, heard
        (tmp_path / "heard").unlink()
        assert ("-c|s7|" in heard) is (number == 2)


def test_resuming_wants_to_know_where_the_session_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", put_on_path(tmp_path / "bin", "mine"))
    with pytest.raises(UsageError, match="where it comes from") as caught:
        opening.open_session(job("mine", resume_with="mine -c {session}"), "run", cwd=tmp_path)
    assert "--session-from" in caught.value.hint
    with pytest.raises(UsageError, match="cannot be read"):
        opening.open_session(job("mine", session_from="("), "run", cwd=tmp_path)


def test_an_adapter_without_an_end_of_turn_counts_the_exit_code() -> None:
    adapter = Adapter(name="a", start=("a",))
    assert adapter.stream.format == "text"
    assert not adapter.resumable


def test_a_version_without_an_end_is_not_kept_whole(tmp_path: Path, isolated_home: Path) -> None:
    program = tmp_path / "endless"
    program.write_text(f"#!{sys.executable}\nprint('endless 1.2.3 ' + 'y' * 50_000_000)\n")
    program.chmod(0o755)
    folder = isolated_home / ".config/agentloop/agents"
    folder.mkdir(parents=True)
    (folder / "endless.toml").write_text('name = "endless"\nstart = ["x"]\nversion = ["{program}", "--version"]\n')
    job = Job(until=("true",), program=(str(program),), agent="endless", worktree=str(tmp_path))
    tracemalloc.start()
    try:
        assert opening.version(job, "run") == "1.2.3"
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_words_for_the_draft_go_to_turns_that_are_about_a_skill(
    tmp_path: Path, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = isolated_home / ".config/agentloop/agents"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(
        'name = "mine"\nprograms = ["mine"]\nstart = ["{program}", "{extra}"]\ndrafting = ["-d"]\n'
    )
    monkeypatch.setenv("PATH", put_on_path(tmp_path / "bin", "mine"))
    work = opening.open_session(job("mine", "-x"), "run", cwd=tmp_path)
    about_a_skill = opening.open_session(job("mine", "-x"), "run", cwd=tmp_path, drafting=True)
    assert isinstance(work, HeadlessSession)
    assert isinstance(about_a_skill, HeadlessSession)
    assert (work.extra, about_a_skill.extra) == (("-x",), ("-d", "-x"))
