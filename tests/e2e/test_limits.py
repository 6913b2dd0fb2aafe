"""Limits from the command line: those of a run, and those of others, which are waited for."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agentloop.job import Job
from agentloop.repo import Repo
from agentloop.run import groups

from .conftest import AGENT, Bench
from .test_run import RIGHT, WRONG, wait_for

ADAPTER = r"""
name = "scripted"
programs = ["sh"]
start = ["{program}", "-c", 'echo "$@" >> TOLD; exec PROGRAM', "sh", "{extra}"]
resume = ["{program}", "-c", 'echo "$@" >> TOLD; exec PROGRAM --session "$0"', "{session}", "{extra}"]
session = "reported"
max_cost = ["--budget", "{max_cost}"]

[stream]
format = "jsonl"
paths.model = "model"
paths.input_tokens = "input"
paths.output_tokens = "output"
paths.cost_usd = "cost"
patterns.session = "session: (\\S+)"

[[errors]]
kind = "rate_limit"
pattern = "usage limit"
reset = "resets in (\\d+) s"

[[errors]]
kind = "permanent"
pattern = "account is closed"
"""
SOON = {"say": "error: usage limit, resets in 2 s", "exit": 1}
LATER = {"say": "error: usage limit, resets in 7200 s", "exit": 1}
UNSAID = {"say": "error: usage limit", "exit": 1}


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """The scripted agent as an adapter of the user's own; what it is told beside the prompt is noted."""
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "agentloop/agents"
    folder.mkdir(parents=True)
    program = f"{sys.executable} {AGENT} {bench.script}"
    text = ADAPTER.replace("TOLD", str(bench.script.with_suffix(".told"))).replace("PROGRAM", program)
    (folder / "scripted.toml").write_text(text)
    return bench


def argv(*flags: str) -> list[str]:
    command = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", "--agent", "scripted"]
    return [*command, "--json", "--distill", "never", *flags, "Make the count 3"]


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def told(bench: Bench) -> list[str]:
    """What the agent was told beside the prompt, turn by turn."""
    return bench.script.with_suffix(".told").read_text().splitlines()


def journal(bench: Bench) -> Path:
    return next(bench.state_folder().glob("*/*/journal.jsonl"))


def events(bench: Bench, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in journal(bench).read_text().splitlines()]
    return [line for line in lines if line["type"] == kind]


def begin_to_wait(bench: Bench, command: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
    """A run that waits for a usage limit."""
    running = subprocess.Popen(command or argv(), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(bench.script.with_suffix(".log"))
    while not events(bench, "wait.started"):
        assert running.poll() is None
    return running


def test_a_usage_limit_is_waited_for_and_is_no_attempt(bench: Bench) -> None:
    bench.steps(SOON, RIGHT)
    done = bench.call(argv())
    assert done.returncode == 0, done.stderr
    assert (result(done)["attempts"], len(bench.prompts())) == (1, 2)
    assert "waiting until" in done.stderr
    (wait,), (end,) = events(bench, "wait.started"), events(bench, "wait.ended")
    assert wait["until"] <= end["at"]
    assert wait["cause"] == "rate_limit"
    assert "usage limit, resets in 2 s" in wait["reason"]
    assert bench.prompts()[1]["session"] == "s-1"


@pytest.mark.parametrize("kill", [False, True])
@pytest.mark.slow
def test_a_wait_that_is_cut_off_is_gone_on_with(bench: Bench, kill: bool) -> None:
    bench.steps({"say": "error: usage limit, resets in 4 s", "exit": 1}, RIGHT)
    running = begin_to_wait(bench)
    running.send_signal(signal.SIGKILL if kill else signal.SIGINT)
    _out, err = running.communicate(timeout=20)
    assert running.returncode == (-signal.SIGKILL if kill else 130)
    assert b"Traceback" not in err
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    (wait,), (end,) = events(bench, "wait.started"), events(bench, "wait.ended")
    assert wait["until"] <= end["at"]
    assert (result(done)["attempts"], len(bench.prompts())) == (1, 2)


def test_told_not_to_wait_it_says_so_and_can_be_resumed(bench: Bench) -> None:
    bench.steps(UNSAID, RIGHT)
    done = bench.call(argv("--wait", "never"))
    assert done.returncode == 75, done.stderr
    assert result(done)["outcome"] == "rate_limited"
    assert "usage limit" in result(done)["reason"]
    assert "agentloop resume" in bench.agentloop("status").stdout
    assert bench.agentloop("resume").returncode == 0
    assert len(bench.prompts()) == 2


@pytest.mark.parametrize(("flags", "ci", "words"), [
    (["--wait", "1h"], "", "longer than --wait 1h allows; go on after 20"),
    ([], "true", "--wait never; go on after 20"),
])  # fmt: skip
def test_a_limit_that_lasts_too_long_ends_the_run_and_it_says_when_to_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, flags: list[str], ci: str, words: str
) -> None:
    monkeypatch.setenv("CI", ci)
    bench.steps(LATER)
    done = bench.call(argv(*flags))
    assert (done.returncode, len(bench.prompts())) == (75, 1)
    assert words in result(done)["reason"]


def test_what_never_passes_stops_at_once_in_the_agents_own_words(bench: Bench) -> None:
    bench.steps({"say": "error: your account is closed", "exit": 1})
    done = bench.call(argv())
    assert (done.returncode, len(bench.prompts())) == (5, 1)
    assert "your account is closed" in result(done)["reason"]


def test_what_a_person_can_mend_is_resumed_by_its_name_and_never_by_chance(bench: Bench) -> None:
    bench.steps(WRONG, {"say": "the account is closed", "exit": 1}, RIGHT)
    ended = bench.call(argv())
    assert (ended.returncode, bench.agentloop("resume").returncode) == (5, 2)
    run = result(ended)["run"]
    assert f"once that is mended: agentloop resume {run}" in bench.agentloop("status").stdout
    assert bench.agentloop("resume", run).returncode == 0
    assert [one["session"] for one in bench.prompts()] == ["s-1"] * 3


def advised(text: str) -> list[str]:
    """The command that is said to go on."""
    (line,) = [line for line in text.splitlines() if "agentloop resume" in line]
    return line[line.index("agentloop resume") :].split()[1:]


def test_a_run_out_of_attempts_goes_on_in_its_session_by_the_command_that_it_says(bench: Bench) -> None:
    bench.steps(WRONG, WRONG, RIGHT)
    ended = bench.call([word for word in argv("--max-attempts", "2") if word != "--json"])
    run = journal(bench).parent.name
    assert (ended.returncode, bench.agentloop("resume").returncode) == (1, 2)
    before = journal(bench).read_bytes()
    wanted = ["resume", run, "--max-attempts", "4"]
    for said in (ended.stdout, bench.agentloop("status").stdout, bench.agentloop("resume", run).stderr):
        assert advised(said) == wanted
    refused = bench.agentloop("resume", run, "--max-attempts", "2", "--max-cost", "7")
    assert (refused.returncode, advised(refused.stderr)) == (2, [*wanted, "--max-cost", "7"])
    assert "after 2 attempts" in refused.stderr
    assert journal(bench).read_bytes() == before
    done = bench.agentloop(*wanted, "--json")
    assert (done.returncode, result(done)["attempts"]) == (0, 3)
    assert [one["session"] for one in bench.prompts()] == ["s-1"] * 3


def test_a_limit_that_was_raised_is_kept_after_a_kill(bench: Bench) -> None:
    bench.steps(WRONG, {**WRONG, "sleep_s": 60}, WRONG, RIGHT)
    run = result(bench.call(argv("--max-attempts", "1")))["run"]
    more = [sys.executable, "-m", "agentloop", "resume", run, "--max-attempts", "3"]
    running = subprocess.Popen(more, cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while len(bench.prompts()) < 2:
        assert running.poll() is None
    running.kill()
    running.communicate(timeout=20)
    done = bench.agentloop("resume", "--json")
    assert (done.returncode, result(done)["attempts"]) == (0, 3)
    assert [one["session"] for one in bench.prompts()] == ["s-1"] * 4


def test_money_that_is_spent_can_be_more(bench: Bench) -> None:
    bench.steps({**WRONG, "say": '{"cost": 0.6}'}, {**RIGHT, "say": '{"cost": 0.6}'})
    ended = bench.call(argv("--max-cost", "0.50"))
    wanted = advised(bench.agentloop("status").stdout)
    assert (ended.returncode, wanted[2:]) == (4, ["--max-cost", "1"])
    assert bench.agentloop(*wanted).returncode == 0
    assert told(bench) == ["--budget 0.5", "--budget 0.4"]
    assert [one["session"] for one in bench.prompts()] == ["s-1"] * 2


def test_a_stuck_run_goes_on_by_its_name_alone_in_the_session_that_it_has(bench: Bench) -> None:
    bench.steps(*[{"say": "I do not know"}] * 3, RIGHT)
    ended = bench.call(argv("--stuck-after", "1"))
    assert (ended.returncode, bench.agentloop("resume").returncode) == (3, 2)
    wanted = ["resume", result(ended)["run"]]
    assert advised(bench.agentloop("status").stdout) == wanted
    assert bench.agentloop(*wanted).returncode == 0
    assert [one["session"] for one in bench.prompts()] == ["s-1"] * 2 + ["s-2"] * 2
    assert ["led nowhere" in one["prompt"] for one in bench.prompts()] == [False, True, True, False]


def test_work_that_was_brought_back_is_not_gone_on_with_and_it_is_said_why(bench: Bench) -> None:
    bench.steps(WRONG)
    ended = bench.call(argv("--worktree", "--max-attempts", "1"))
    assert (ended.returncode, "agentloop resume" in bench.agentloop("status").stdout) == (1, False)
    done = bench.agentloop("resume", result(ended)["run"], "--max-attempts", "9")
    assert (done.returncode, len(bench.prompts())) == (2, 1)
    assert "its work was brought back; start another" in done.stderr


def test_the_limits_of_a_group_are_those_that_it_began_with(bench: Bench) -> None:
    with Repo(bench.repo) as repo:
        group = groups.make(repo.common_dir, Job(until=("sh check.sh passes",), agent="scripted", worktree="."))
    done = bench.agentloop("resume", group, "--max-cost", "9")
    assert (done.returncode, f"{group} is a group of runs" in done.stderr) == (2, True)


def test_the_agent_is_told_what_is_left_of_the_money_and_the_run_ends_when_it_is_spent(bench: Bench) -> None:
    costly = [{"run": f"echo {count} > count", "say": '{"cost": 0.6}'} for count in (1, 2, 4)]
    bench.steps(*costly)
    done = bench.call(argv("--max-cost", "$1.00"))
    assert done.returncode == 4
    assert told(bench) == ["--budget 1", "--budget 0.4"]
    assert (result(done)["cost_usd"], result(done)["cost_is_estimated"]) == (1.2, False)


def test_a_cost_is_estimated_from_tokens_and_counts(bench: Bench) -> None:
    used = {"model": "claude-sonnet-4-5", "input": 1_000_000, "output": 100_000}
    bench.steps({**WRONG, "say": json.dumps(used)})
    done = bench.call(argv("--max-cost", "4"))
    assert done.returncode == 4
    assert "~$4.50 of $4.00" in result(done)["reason"]
    assert (result(done)["cost_usd"], result(done)["cost_is_estimated"]) == (4.5, True)
    assert "~$4.5000" in done.stderr
    assert "~$4.5000" in bench.agentloop("status").stdout


def test_an_unknown_cost_is_said_to_be_unknown(bench: Bench) -> None:
    bench.steps({**RIGHT, "say": '{"model": "nobody/knows-it", "input": 1000, "output": 10, "cost": 0}'})
    done = bench.call(argv())
    assert result(done)["cost_usd"] is None
    said = bench.agentloop("status").stdout
    assert "cost unknown" in said
    assert "$" not in said


def test_tokens_run_out(bench: Bench) -> None:
    bench.steps({**WRONG, "say": '{"input": 900, "output": 200}'})
    done = bench.call(argv("--max-tokens", "1k"))
    assert (done.returncode, "1,100 of 1,000" in result(done)["reason"]) == (4, True)


def test_a_run_that_is_stuck_is_told_so_then_begins_anew_and_then_ends(bench: Bench) -> None:
    bench.steps({"say": "I do not know"})
    done = bench.call(argv())
    assert done.returncode == 3
    assert result(done)["outcome"] == "stuck"
    prompts = bench.prompts()
    assert [one["session"] for one in prompts] == ["s-1"] * 4 + ["s-2"]
    assert ["led nowhere" in one["prompt"] for one in prompts] == [False, False, False, True, True]
    assert "What was tried" in prompts[4]["prompt"]


def test_what_was_not_waited_for_in_ci_is_waited_for_by_whoever_resumes_it_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    bench.steps(LATER)
    assert bench.call(argv()).returncode == 75
    assert "--wait 1h allows" in bench.agentloop("resume", "--wait", "1h").stdout
    running = begin_to_wait(bench, [sys.executable, "-m", "agentloop", "resume", "--wait", "3h"])
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)
    assert (running.returncode, len(events(bench, "wait.started"))) == (130, 1)
    assert bench.agentloop("resume", "--wait", "never").returncode == 75
    assert len(bench.prompts()) == 1


@pytest.mark.parametrize("flags", [["--max-cost", "0"], ["--wait", "0s"], ["--max-attempts", "0"]])
def test_no_limit_is_switched_off_by_a_number(bench: Bench, flags: list[str]) -> None:
    bench.steps(RIGHT)
    done = bench.call(argv(*flags))
    assert done.returncode == 2
    assert flags[0] in done.stderr
    assert "is no limit: write" in done.stderr
