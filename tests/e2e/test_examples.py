"""The examples run as they stand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(name: str) -> str:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = ROOT / "examples" / name / "run.sh"
    done = subprocess.run(["sh", str(script)], env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_agent_of_ones_own() -> None:
    assert "skills/greet-by-name/SKILL.md" in run("own-agent")


def test_adapters_of_ones_own() -> None:
    printed = run("own-adapter")
    assert printed.count("reached: the predicate holds after 2 attempts") == 2
    assert "skills/greet-by-name/SKILL.md" in printed
    assert "problem" not in printed


@pytest.mark.parametrize("name", ["acme", "parrot"])
def test_the_adapters_of_the_documentation_are_those_that_were_tried(name: str) -> None:
    adapter = (ROOT / f"examples/own-adapter/{name}.toml").read_text()
    assert f"```toml\n{adapter}```" in (ROOT / "docs/adapters.md").read_text()
    assert len(adapter.splitlines()) <= 20
