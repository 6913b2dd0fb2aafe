"""A repository that agentloop wrote, before the programs that install skills and the agents that read them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .clis import AGENTS, INSTALLER, NODE
from .conftest import git

pytestmark = pytest.mark.agents
READERS = [AGENTS[name].cli for name in ("claude", "codex")]
SKILL = '---\nname: {name}\ndescription: "What {name} is about. Use when it is wanted."\n---\n\n# {name}\n\nDo it.\n'


@pytest.fixture
def environment(isolated_home: Path) -> dict[str, str]:
    """An empty home, no key, and the programs."""
    for cli in (NODE, INSTALLER, *READERS):
        if not cli.folder.is_dir():
            pytest.fail(f"{cli.name} is not installed: make test-agents")
    folders = [NODE.bin, INSTALLER.bin, *(cli.bin for cli in READERS), Path(sys.executable).parent]
    kept = {name: os.environ[name] for name in ("NODE_EXTRA_CA_CERTS", "XDG_STATE_HOME") if name in os.environ}
    return {
        **kept,
        "PATH": os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"]),
        "HOME": str(isolated_home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


class Library:
    """A repository with skills, links, and an archive."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        self.environment = environment

    def call(self, *argv: str) -> str:
        """What a program says that ends well."""
        done = subprocess.run(
            argv, cwd=self.root, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def agentloop(self, *words: str) -> str:
        return self.call(sys.executable, "-m", "agentloop", "skills", *words)

    def offered(self, *flags: str) -> list[str]:
        """The names of the skills that the installer finds."""
        printed = self.call("skills", "add", ".", "--list", *flags)
        return re.findall(r"(?m)^│ {4}([a-z-]+)\s*$", printed.partition("Available Skills")[2])


@pytest.fixture
def library(tmp_path: Path, environment: dict[str, str]) -> Library:
    root = tmp_path / "tools"
    for name in ("alpha", "beta", "gamma"):
        folder = root / "skills" / name
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text(SKILL.format(name=name))
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "Begin")
    library = Library(root, environment)
    library.agentloop("link")
    library.agentloop("archive", "gamma", "--reason", "nobody used it")
    return library


def test_the_installer_lists_each_skill_once_and_no_archived_one(library: Library) -> None:
    assert library.offered() == ["alpha", "beta"]
    assert library.offered("--full-depth") == ["alpha", "beta"]
    library.agentloop("export", "--plugin")
    assert library.offered() == ["alpha", "beta"]


def test_the_installer_lists_copies_once_too(library: Library) -> None:
    git(library.root, "rm", "-qr", ".claude", ".agents")
    git(library.root, "commit", "-qm", "No links")
    git(library.root, "config", "core.symlinks", "false")
    library.agentloop("link")
    assert (library.root / ".claude/skills/alpha/.agentloop-copy").is_file()
    assert library.offered() == ["alpha", "beta"]
    assert library.offered("--full-depth") == ["alpha", "beta"]


def test_codex_lists_each_skill_once_and_no_archived_one(library: Library) -> None:
    prompt = library.call("codex", "debug", "prompt-input", "hi")
    assert [prompt.count(f"What {name} is about") for name in ("alpha", "beta", "gamma")] == [1, 1, 0]


def test_claude_takes_the_repository_for_a_plugin_and_a_marketplace(library: Library) -> None:
    library.agentloop("export", "--plugin")
    git(library.root, "add", ".")
    git(library.root, "commit", "-qm", "Plugin")
    validated = library.call("claude", "plugin", "validate", ".")
    assert "tools:alpha" in validated
    assert "gamma" not in validated
    library.call("claude", "plugin", "marketplace", "add", str(library.root))
    library.call("claude", "plugin", "install", "tools@tools")
    cache = Path(library.environment["HOME"]) / ".claude/plugins/cache"
    installed = {path.parent.name for path in cache.glob("*/*/*/skills/*/SKILL.md")}
    assert installed == {"alpha", "beta"}


def test_claude_reads_skills_exported_for_it(library: Library) -> None:
    library.agentloop("export", "--agent", "claude", "beta")
    elsewhere = Library(Path(library.environment["HOME"]), library.environment)
    first = subprocess.run(
        ["claude", "-p", "x", "--output-format", "stream-json", "--verbose"], cwd=elsewhere.root,
        env={**library.environment, "ANTHROPIC_BASE_URL": "http://127.0.0.1:1", "ANTHROPIC_API_KEY": "dummy",
             "CLAUDE_CODE_MAX_RETRIES": "0"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False,
    ).stdout.splitlines()[0]  # fmt: skip
    assert "beta" in json.loads(first)["skills"]
    assert "alpha" not in json.loads(first)["skills"]
