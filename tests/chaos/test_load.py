"""Fifty runs at once, and a run of a thousand attempts: what they take is printed, what cannot flake is asserted."""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from agentloop.events import Checked
from agentloop.records import journal

from .crashing import HERE, World

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800), pytest.mark.usefixtures("unmeasured_children")]

RUNS = 50
IDLE_S = 60.0
ATTEMPTS = 1000
AGENT = HERE / "scripted_idle_agent.py"
TICKS = os.sysconf("SC_CLK_TCK")


def start(world: World, until: str, *flags: str, agent: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    argv = [
        sys.executable, "-m", "agentloop", "run", "--until", until, "--distill", "never", *flags, "Count", "--",
        sys.executable, "-S", str(AGENT), *agent,
    ]  # fmt: skip
    env = {**os.environ, **world.env}
    with world.out.open("wb") as out:
        return subprocess.Popen(argv, cwd=world.repo, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss_mb(pid: int) -> float:
    match = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(match[1]) / 1024 if match else 0.0


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_fifty_runs_at_once_complete_and_cost_next_to_nothing_while_they_wait(tmp_path: Path) -> None:
    template = World.make(tmp_path / "template")
    worlds = [template.copy(tmp_path / f"world-{number}") for number in range(RUNS)]
    began = time.monotonic()
    runs = [start(world, "sh check.sh passes", agent=(str(IDLE_S), "3")) for world in worlds]
    while not all(any(world.folders) and (world.folder.path / "turn-001.log").exists() for world in worlds):
        assert time.monotonic() - began < 600
        time.sleep(0.5)
    time.sleep(2)
    before = {run.pid: cpu_s(run.pid) for run in runs if run.poll() is None}
    time.sleep(15)
    shares = sorted((cpu_s(pid) - cpu) / 15 for pid, cpu in before.items() if children_of(pid))
    memory = sorted(pss_mb(pid) for pid in before if children_of(pid))
    codes = [run.wait(600) for run in runs]
    took_s = time.monotonic() - began
    print(
        f"\n{RUNS} runs at once on {os.cpu_count()} cores: {took_s:.0f} s for agents that wait {IDLE_S:.0f} s; "
        f"memory of a supervisor (PSS) {statistics.median(memory):.1f} MB, at most {memory[-1]:.1f} MB; "
        f"processor of an idle one {statistics.median(shares):.2%} of a core, at most {shares[-1]:.2%}"
    )
    assert codes == [0] * RUNS, [world.out.read_text() for world in worlds][:2]
    assert statistics.median(shares) < 0.01
    for world in worlds:
        assert (world.repo / "theirs").read_text() == "unstaged\n"


@pytest.mark.parametrize("session", ["none", "named"])
def test_a_thousand_attempts_are_a_thousand_times_one(session: str, tmp_path: Path) -> None:
    """Memory flat, the journal linear, and no attempt dearer than those before it."""
    world = World.make(tmp_path / "template").copy(tmp_path / "world")
    resumed = ("--resume-with", f"{sys.executable} -S {AGENT} 0") if session == "named" else ()
    run = start(world, "false passes", "--max-attempts", str(ATTEMPTS), *resumed, agent=("0",))
    memory: list[float] = []
    while run.poll() is None:
        time.sleep(0.5)
        if run.poll() is None:
            memory.append(pss_mb(run.pid))
    assert run.returncode == 1, world.out.read_text()[-2000:]
    events = journal.read(world.folder.journal)
    ends = [event.at for event in events if isinstance(event, Checked) and event.attempt]
    assert len(ends) == ATTEMPTS
    each_s = [later - earlier for earlier, later in pairwise(ends)]
    first_s, last_s = statistics.median(each_s[:100]), statistics.median(each_s[-100:])
    lines = world.folder.journal.read_bytes().splitlines()
    tenth, tail = len(lines) // 10, sum(map(len, lines[-len(lines) // 10 :]))
    prompts = [world.folder.turn_file(turn, "prompt.md").stat().st_size for turn in (100, ATTEMPTS)]
    early_mb = statistics.median(memory[len(memory) // 10 : len(memory) // 5])
    print(
        f"\n{ATTEMPTS} attempts, session {session}: {first_s * 1000:.0f} ms each in the first hundred, "
        f"{last_s * 1000:.0f} ms in the last; memory (PSS) {early_mb:.1f} MB early, {memory[-1]:.1f} MB at the end; "
        f"journal {sum(map(len, lines)) / ATTEMPTS:.0f} bytes an attempt; prompt {prompts[0]} bytes in turn 100, "
        f"{prompts[1]} in turn {ATTEMPTS}"
    )
    assert tail < 1.5 * sum(map(len, lines[:tenth]))
    assert prompts[1] < 2 * prompts[0] + 4000
    assert memory[-1] < 1.5 * early_mb
    assert json.loads(lines[-1])["seq"] == len(lines) - 1
