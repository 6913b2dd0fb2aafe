"""What agentloop costs, each figure as a ratio or a difference against the bare thing measured side by side.

    make bench

It prints and never judges: a busy machine makes every figure worse at once, the ratios least.
"""

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from agentloop.events import Checked, Leaf
from agentloop.predicate import evidence
from agentloop.predicate.reports.report import Recorder
from agentloop.records import commit_receipts
from agentloop.records.commit_receipts import CommitReceipt
from agentloop.repo import Repo
from agentloop.skills import search, similarity
from tests.agents.clis import PRE_COMMIT

AGENTLOOP = [str(Path(sys.executable).parent / "agentloop")]
BARE_CLICK = "import click\n@click.command()\n@click.version_option('1', prog_name='x')\ndef main(): ...\nmain()\n"
ROUNDS = 15
FEW, MANY = 3, 18
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def seconds(argv: Sequence[str], cwd: Path, env: dict[str, str]) -> float:
    """The wall time of a command."""
    began = time.perf_counter()
    subprocess.run(argv, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def peak_mb(argv: Sequence[str], cwd: Path, env: dict[str, str]) -> float:
    """The peak memory of a command, its largest descendant included."""
    child = subprocess.Popen(argv, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, _status, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return usage.ru_maxrss / 1024


def start_up(folder: Path, env: dict[str, str]) -> None:
    """`agentloop --version` beside a bare click program's."""
    bare = folder / "bare.py"
    bare.write_text(BARE_CLICK)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(seconds([sys.executable, str(bare), "--version"], folder, env))
        ours.append(seconds([*AGENTLOOP, "--version"], folder, env))
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(
        f"start-up: agentloop --version {statistics.median(ours) * 1000:.0f} ms, "
        f"bare click {statistics.median(theirs) * 1000:.0f} ms, ratio {ratio:.2f} (wanted: at most 1.30)"
    )


def run(attempts: int, *agent: str, check: str = "false") -> list[str]:
    """A run whose check never holds."""
    flags = [
        "run",
        "--until",
        f"{check} passes",
        "--max-attempts",
        str(attempts),
        "--stuck-after",
        str(attempts),
        "--distill",
        "never",
        "--fresh",
        "never done",
    ]
    return [*AGENTLOOP, *flags, "--", *agent]


def attempt(repo: Path, env: dict[str, str]) -> None:
    """What the supervisor adds to an attempt, beside a shell loop around the same commands."""
    ours, theirs = [], []
    for _ in range(5):
        loop = f"for i in $(seq {MANY - FEW}); do cat /dev/null; true; false; done"
        theirs.append(seconds(["sh", "-c", loop], repo, env) / (MANY - FEW))
        few = seconds(run(FEW, "/bin/true"), repo, env)
        ours.append((seconds(run(MANY, "/bin/true"), repo, env) - few) / (MANY - FEW))
    added = (statistics.median(ours) - statistics.median(theirs)) * 1000
    print(
        f"an attempt: agentloop {statistics.median(ours) * 1000:.1f} ms, shell loop "
        f"{statistics.median(theirs) * 1000:.1f} ms, added {added:.1f} ms (wanted: at most 50)"
    )


def fingerprint(folder: Path) -> None:
    """A working tree's fingerprint beside `git status`, warm, in a repository of 50,000 files."""
    root = folder / "large"
    for number in range(500):
        (root / f"d{number}").mkdir(parents=True)
        for name in range(100):
            (root / f"d{number}" / f"f{name}").write_text(f"{number} {name}\n")
    with Repo.create(root, "Many files") as repo:
        (root / "d1" / "f1").write_text("changed\n")
        (root / "untracked").write_text("new\n")
        ours, theirs = [], []
        for _ in range(9):
            theirs.append(seconds(["git", "status", "--porcelain"], root, dict(os.environ)))
            began = time.perf_counter()
            repo.fingerprint(folder / "fingerprint")
            ours.append(time.perf_counter() - began)
    ours = ours[2:]  # the first one reads the index of git, and is kept
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(
        f"fingerprint of 50,000 files: {statistics.median(ours) * 1000:.0f} ms, git status "
        f"{statistics.median(theirs) * 1000:.0f} ms, ratio {ratio:.2f} (wanted: at most 1.5)"
    )


def hook(folder: Path, env: dict[str, str]) -> None:
    """The pre-push hook with a receipt, beside the pre-commit framework's with nothing to do."""
    PRE_COMMIT.install()
    env = {
        name: value for name, value in env.items() if name != "PYTHONDONTWRITEBYTECODE"
    }  # what is installed is compiled
    root = folder / "hooked"
    root.mkdir()
    (root / "agentloop.toml").write_text('until = "true passes"\n')
    (root / ".pre-commit-config.yaml").write_text("repos: []\n")
    with Repo.create(root, "Begin") as repo:
        tree, commit, state = repo.tree_of("HEAD"), repo.head() or "", commit_receipts.folder_of(repo.common_dir)
    commit_receipts.write(state, CommitReceipt(tree, "true passes", "pass", time.time(), 1.0, "", ""))
    said = folder / "said"
    said.write_text(f"refs/heads/main {commit} refs/heads/main {'0' * len(commit)}\n")
    script = str(root / ".git/hooks/pre-push")
    seconds([str(PRE_COMMIT.bin / "pre-commit"), "install", "--hook-type", "pre-push"], root, env)
    shutil.move(script, folder / "theirs")
    seconds([*AGENTLOOP, "hook", "install", "--via", "raw"], root, env)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        for hook, times in ((folder / "theirs", theirs), (script, ours)):
            times.append(seconds(["sh", "-c", f'"{hook}" origin there < "{said}"'], root, env))
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(
        f"pre-push hook with a receipt: {statistics.median(ours) * 1000:.0f} ms, pre-commit with nothing to do "
        f"{statistics.median(theirs) * 1000:.0f} ms, ratio {ratio:.2f} (wanted: at most 0.5)"
    )


def memory(repo: Path, env: dict[str, str]) -> None:
    """Peak memory around an agent that prints 1 GB, beside one that prints nothing."""
    endless, lines = "head -c 1000000000 /dev/zero", "yes 'a line of agent output' | head -c 1000000000"
    for label, program, source in (
        ("one line without an end", "agent", endless),
        ("short lines", "agent", lines),
        ("where JSON is expected, one line", "claude", endless),
        ("where JSON is expected, short lines", "claude", lines),
    ):
        stub = repo.parent / program  # one named claude is taken for an agent that prints JSON
        stub.write_text(f"#!/bin/sh\n{source}\n")
        stub.chmod(0o755)
        silent = peak_mb(run(1, "/bin/true"), repo, env)
        loud = peak_mb(run(1, str(stub)), repo, env)
        print(
            f"1 GB of output ({label}): {loud:.1f} MB, silent {silent:.1f} MB, ratio {loud / silent:.2f}, "
            f"difference {loud - silent:+.1f} MB (wanted: below 20)"
        )


def check_memory(repo: Path, env: dict[str, str]) -> None:
    """Peak memory around a check that prints 1 GB, beside one that prints nothing."""
    for label, line in (("plain lines", "a line of output"), ("results of tests", "test_a (m.C.test_a) ... ok")):
        peaks = []
        for name, source in (("quiet", "exit 1"), ("loud", f"yes '{line}' | head -c 1000000000; exit 1")):
            stub = repo.parent / name
            stub.write_text(f"#!/bin/sh\n{source}\n")
            stub.chmod(0o755)
            peaks.append(peak_mb(run(1, "/bin/true", check=str(stub)), repo, env))
        quiet, loud = peaks
        print(
            f"a check that prints 1 GB ({label}): {loud:.1f} MB, silent {quiet:.1f} MB, "
            f"difference {loud - quiet:+.1f} MB (wanted: below 20)"
        )


MANY_TESTS = """
import pytest
@pytest.mark.parametrize("n", range({count}))
def test_many(n):
    assert {{"n": n, "rest": list(range(20))}} == {{"n": -1, "rest": []}}
"""


def feedback(folder: Path, env: dict[str, str]) -> None:
    """What 10,000 failing tests of a real pytest come to, and what twice as many cost."""
    costs = []
    for count in (5_000, 10_000):
        tree = folder / f"many-{count}"
        tree.mkdir()
        (tree / "test_many.py").write_text(MANY_TESTS.format(count=count))
        recorder = Recorder(folder, count, tree)
        argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly"]
        pytest = {**env, **recorder.environment(env)}
        printed = subprocess.run(argv, cwd=tree, env=pytest, stdout=subprocess.PIPE, check=False).stdout
        began = time.perf_counter()
        for start in range(0, len(printed), 65536):
            recorder.feed(printed[start : start + 65536])
        report = recorder.finish("pytest")
        if report is None:
            raise SystemExit("pytest left no report")
        report.save(tree / "report.json")
        leaf = Leaf(source="pytest passes", verdict="fail", reason="exited 1", tests=report.counts,
                    output=evidence.excerpt(printed.decode()), report=str(tree / "report.json"))  # fmt: skip
        text = evidence.feedback(Checked(attempt=1, verdict="fail", leaves=(leaf,), duration_s=1.0), None)
        costs.append(time.perf_counter() - began)
        print(
            f"feedback of {report.counts.failed} failing tests: {len(text.encode())} bytes "
            f"(wanted: at most {evidence.MAX_FEEDBACK_BYTES}) out of {len(printed) / 1e6:.1f} MB, {costs[-1]:.2f} s"
        )
    print(f"twice as many tests take {costs[1] / costs[0]:.2f} times as long (wanted: about 2)")


def library(folder: Path, env: dict[str, str]) -> None:
    """A question to 10,000 skills of 5 KB, beside grep for the same words in the same files."""
    draw = random.Random(1)
    words = ["".join(draw.choices(SYLLABLES, k=3)) for _ in range(4_000)]
    often = [1 / place for place in range(1, len(words) + 1)]  # as in a natural language
    repo = folder / "library"
    for number in range(10_000):
        skill = repo / "skills" / f"skill-{number:05}" / "SKILL.md"
        skill.parent.mkdir(parents=True)
        lines = (" ".join(draw.choices(words, often, k=12)) for _ in range(60))
        head = f"---\nname: {skill.parent.name}\ndescription: about {draw.choice(words)}\n---\n\n"
        skill.write_text(head + "\n".join(lines) + "\n")
    subprocess.run(["git", "init", "-q"], cwd=repo, env=env, check=True)
    for label, asked in (("two rare words", words[3_000:3_002]), ("five words", words[20:4_000:800])):
        inside, whole, grep = [], [], []
        for _ in range(FEW):
            began = time.perf_counter()
            search.search(repo / "skills", " ".join(asked), 10)
            inside.append(time.perf_counter() - began)
            whole.append(seconds([*AGENTLOOP, "skills", "search", *asked], repo, env))
            grep.append(
                seconds(["grep", "-ri", *(flag for word in asked for flag in ("-e", word)), "skills"], repo, env)
            )
        searched, command, grepped = map(statistics.median, (inside, whole, grep))
        print(
            f"10,000 skills searched for {label}: {searched:.2f} s, with start-up {command:.2f} s (wanted: below 1), "
            f"grep -ri {grepped:.2f} s, ratio {searched / grepped:.1f}"
        )
    texts = {path.name: (path / "SKILL.md").read_text() for path in sorted((repo / "skills").iterdir())}
    costs = []
    for count in (1_000, 2_000):
        began = time.perf_counter()
        similarity.overlapping(dict(islice(texts.items(), count)), 0.6)
        costs.append(time.perf_counter() - began)
    print(
        f"near duplicates among 2,000 skills: {costs[1]:.1f} s, {costs[1] / costs[0]:.1f} times as long as among half "
        f"of them (all pairs: 4)"
    )


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="agentloop-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        env = {**os.environ, "HOME": name, "XDG_STATE_HOME": f"{name}/state", "XDG_CONFIG_HOME": f"{name}/config"}
        repo = folder / "repo"
        repo.mkdir()
        (repo / "file").write_text("text\n")
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
        for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "Begin"]):
            subprocess.run(["git", *words], cwd=repo, env=env, check=True)
        start_up(folder, env)
        attempt(repo, env)
        fingerprint(folder)
        hook(folder, env)
        memory(repo, env)
        check_memory(repo, env)
        feedback(folder, env)
        library(folder, env)


if __name__ == "__main__":
    main()
