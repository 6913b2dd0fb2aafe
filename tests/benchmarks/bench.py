"""What agentloop costs, each figure as a ratio or a difference against the bare thing measured side by side.

    make bench

It prints and never judges: a busy machine makes every figure worse at once, the ratios least.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

AGENTLOOP = [str(Path(sys.executable).parent / "agentloop")]
BARE_CLICK = "import click\n@click.command()\n@click.version_option('1', prog_name='x')\ndef main(): ...\nmain()\n"
ROUNDS = 15
FEW, MANY = 3, 18


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


def run(attempts: int, *agent: str) -> list[str]:
    """A run whose check never holds."""
    flags = ["run", "--until", "false passes", "--max-attempts", str(attempts), "--distill", "never", "never done"]
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


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="agentloop-bench-") as name:
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
        memory(repo, env)


if __name__ == "__main__":
    main()
