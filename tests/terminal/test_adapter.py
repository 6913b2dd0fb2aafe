"""How an agent comes to be driven in a terminal: by the flag, or because nothing else is known of it."""

import sys
from pathlib import Path

import pytest

from agentloop.agents import opening
from agentloop.agents.adapter_file import read
from agentloop.agents.headless import HeadlessSession
from agentloop.agents.terminal.session import TerminalSession
from agentloop.errors import AdapterError, UsageError
from agentloop.job import Job


def job(*program: str, **more: object) -> Job:
    return Job.model_validate(
        {"task": "t", "until": ("true",), "agent": "x", "program": program, "worktree": "/", **more}
    )


def own(home: Path, name: str, content: str) -> None:
    folder = home / ".config/agentloop/agents"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(f'name = "{name}"\nprograms = ["{sys.executable}"]\n{content}')


def test_any_command_can_be_driven_in_a_terminal(tmp_path: Path) -> None:
    assert isinstance(opening.open_session(job(sys.executable), "", cwd=tmp_path), HeadlessSession)
    session = opening.open_session(job(sys.executable, "-i", driver="terminal"), "", cwd=tmp_path)
    assert isinstance(session, TerminalSession)
    assert session.adapter.start == (sys.executable, "-i")
    assert not session.adapter.reports_cost


def test_a_commands_session_is_returned_to_as_it_was_said(tmp_path: Path) -> None:
    told = {"resume_with": f"{sys.executable} --go {{session}}", "session_from": r"id (\w+)"}
    session = opening.open_session(job(sys.executable, driver="terminal", **told), "", cwd=tmp_path, session="s1")
    assert session.remembers


def test_a_prompt_has_no_place_in_the_command(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="typed"):
        opening.open_session(job(sys.executable, "{prompt}", driver="terminal"), "", cwd=tmp_path)


def test_an_adapter_with_nothing_else_is_driven_so(isolated_home: Path, tmp_path: Path) -> None:
    own(isolated_home, "mine", '[terminal]\nstart = ["{program}", "-i"]\n')
    session = opening.open_session(job(agent="mine"), "", cwd=tmp_path)
    assert isinstance(session, TerminalSession)


def test_an_agent_that_nobody_described_so_is_refused(isolated_home: Path, tmp_path: Path) -> None:
    own(isolated_home, "mine", 'start = ["{program}"]\n')
    with pytest.raises(UsageError, match=r"mine.*terminal"):
        opening.open_session(job(agent="mine", driver="terminal"), "", cwd=tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[terminal]\nstart = ["a"]\nredy = "x"\n', ["terminal.redy", "did you mean ready"]),
        ('[terminal]\nstart = ["a"]\nready = "("\n', ["terminal.ready", "regular expression"]),
        ('[terminal]\nready = "x"\n', ["terminal.start", "missing"]),
        ('[terminal]\nstart = ["a"]\nsettled_s = 0\n', ["terminal.settled_s", "greater"]),
        (
            '[terminal]\nstart = ["a"]\n[[terminal.dialogs]]\npattern = "x"\nanser = []\n',
            ["terminal.dialogs", "answer"],
        ),
        ('[terminal]\nstart = ["a"]\npatterns.eror = "x"\n', ["terminal.patterns.eror", "error"]),
    ],
)
def test_a_wrong_part_is_named_with_its_key(tmp_path: Path, content: str, words: list[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "a"\n{content}')
    with pytest.raises(AdapterError) as caught:
        read(path)
    for word in [str(path), *words]:
        assert word in f"{caught.value.message} {caught.value.hint}"
