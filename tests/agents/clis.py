"""The real agent CLIs that are tested: pinned, kept by name and version in the user's cache folder.

    python tests/agents/clis.py install

Each is an npm package in `${XDG_CACHE_HOME:-~/.cache}/agentloop/clis/NAME-VERSION/`, beside the Node it runs on.
Needs npm, which asks the registry that it is configured for.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Asked once: the tests give each test a home and a cache folder of its own.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentloop" / "clis"


@dataclass(frozen=True, slots=True)
class Cli:
    """A program from the npm registry."""

    name: str
    package: str
    version: str

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return CACHE / f"{self.name}-{self.version}"

    @property
    def bin(self) -> Path:
        """The folder with its program."""
        return self.folder / "node_modules" / ".bin"

    def install(self) -> bool:
        """Install it whole or not at all.

        Returns:
            False when it was there already.

        Raises:
            subprocess.CalledProcessError: npm failed; it has said why.
        """
        if self.folder.is_dir():
            return False
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{self.name}-", dir=CACHE) as staging:
            prefix = Path(staging) / "prefix"
            prefix.mkdir()
            flags = ["--no-audit", "--no-fund", "--no-save", "--loglevel=error", "--prefix", str(prefix)]
            subprocess.run(["npm", "install", *flags, f"{self.package}@{self.version}"], check=True)
            try:
                prefix.rename(self.folder)
            except OSError:
                if not self.folder.is_dir():  # somebody else may have been first
                    raise
        return True


@dataclass(frozen=True, slots=True)
class Agent:
    """A CLI that is an agent, and how it is pointed at a model on loopback."""

    cli: Cli
    configure: Callable[[Path, str], Mapping[str, str]]
    """Takes an empty home and the model's address; returns environment variables."""

    @property
    def name(self) -> str:
        """What agentloop calls it."""
        return self.cli.name


def _claude(_home: Path, url: str) -> Mapping[str, str]:
    return {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "dummy",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "1",
    }


_CODEX_CONFIG = """model = "scripted"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
env_key = "SCRIPTED_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
"""


def _codex(home: Path, url: str) -> Mapping[str, str]:
    folder = home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(_CODEX_CONFIG.format(url=url), encoding="utf-8")
    return {"SCRIPTED_API_KEY": "dummy"}


NODE = Cli("node", "node", "24.18.0")
YAML = Cli("yaml", "yaml", "2.9.1")
"""The YAML reader of most agents written for Node: no program, but a library."""
INSTALLER = Cli("skills", "skills", "1.7.4")
"""It installs the skills of a repository for any agent."""
AGENTS = {
    agent.name: agent
    for agent in (
        Agent(Cli("claude", "@anthropic-ai/claude-code", "2.1.330"), _claude),
        Agent(Cli("codex", "@openai/codex", "0.169.0"), _codex),
    )
}


def path_with(agent: Agent) -> str:
    """A PATH with the agent, its Node, the Python that runs the tests, and the system's own programs."""
    return os.pathsep.join([str(agent.cli.bin), str(NODE.bin), str(Path(sys.executable).parent), "/usr/bin", "/bin"])


def main() -> int:
    """Install what is missing."""
    if sys.argv[1:] != ["install"]:
        print(__doc__, file=sys.stderr)
        return 2
    if shutil.which("npm") is None:
        print("npm is not installed: the tests of real agents need Node.js with npm, 20 or newer", file=sys.stderr)
        return 2
    for cli in (NODE, YAML, INSTALLER, *(agent.cli for agent in AGENTS.values())):
        try:
            installed = cli.install()
        except subprocess.CalledProcessError:
            print(f"{cli.package} {cli.version} could not be installed", file=sys.stderr)
            return 1
        print(f"{cli.package} {cli.version}: {'installed' if installed else 'there already'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
