"""The real agent CLIs that are tested, pinned.

    python -m tests.agents.clis install [quick]

Needs npm (Node.js 20 or newer); the agents themselves run on a Node of their own.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from . import configurations, phrasing
from .packages import NoPythonError, NpmPackage, Package, PypiPackage
from .scripted_model import Step

NODE = NpmPackage("node", "node", "24.18.0")
YAML = NpmPackage("yaml", "yaml", "2.9.1")
"""The YAML reader of most agents written for Node: no program, but a library."""
INSTALLER = NpmPackage("skills", "skills", "1.7.4")
"""It installs the skills of a repository for any agent."""

HUSKY = NpmPackage("husky", "husky", "9.1.7")
LEFTHOOK = NpmPackage("lefthook", "lefthook", "2.2.1")
PRE_COMMIT = PypiPackage("pre-commit", "pre-commit", "4.7.0")
HOOK_TOOLS = (HUSKY, LEFTHOOK, PRE_COMMIT)
"""What else writes git's hooks."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A CLI that is an agent, and how it is pointed at a model on loopback."""

    cli: Package
    configure: Callable[[Path, str], Mapping[str, str]]
    """See `configurations`."""
    subscribed: Mapping[str, str] = field(default_factory=dict)
    """What is set otherwise for those who do not pay by the token, and meet limits that end at a known time."""
    phrased: Callable[[Sequence[Step]], list[Step]] = phrasing.plainly
    """See `phrasing`."""
    words_of_work: str = ""
    """See `ScriptedModel`."""
    is_priced: bool = True
    """It knows what the scripted model costs, where it reports dollars at all."""
    leaves: tuple[str, ...] = ()
    """What it leaves in the tree for itself."""

    @property
    def name(self) -> str:
        """What agentloop calls it."""
        return self.cli.name

    @property
    def path(self) -> str:
        """A PATH with it, its Node, the Python that runs the tests, and the system's own programs."""
        folders = [self.cli.bin, NODE.bin, Path(sys.executable).parent]
        return os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"])


AGENTS = {
    agent.name: agent
    for agent in (
        Agent(
            NpmPackage("claude", "@anthropic-ai/claude-code", "2.1.330"),
            configurations.claude,
            {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "dummy"},
        ),
        Agent(NpmPackage("codex", "@openai/codex", "0.169.0"), configurations.codex),
        Agent(NpmPackage("gemini", "@google/gemini-cli", "0.61.0"), configurations.gemini),
        Agent(NpmPackage("opencode", "opencode-ai", "1.18.33"), configurations.opencode),
        Agent(NpmPackage("qwen", "@qwen-code/qwen-code", "0.24.4"), configurations.qwen),
        Agent(NpmPackage("copilot", "@github/copilot", "1.0.102"), configurations.copilot),
        Agent(NpmPackage("pi", "@earendil-works/pi-coding-agent", "1.3.0"), configurations.pi),
        Agent(NpmPackage("kimi", "@moonshot-ai/kimi-code", "2.1.0"), configurations.kimi),
        Agent(NpmPackage("cline", "cline", "3.0.65"), configurations.cline, is_priced=False),
        Agent(NpmPackage("cn", "@continuedev/cli", "1.5.47"), configurations.cn),
        Agent(NpmPackage("kilo", "@kilocode/cli", "7.7.7"), configurations.kilo),
        Agent(
            NpmPackage("nanocoder", "@nanocollective/nanocoder", "1.30.0"),
            configurations.nanocoder,
            leaves=(".nanocoder/",),
        ),
        Agent(NpmPackage("grok", "@vibe-kit/grok-cli", "0.0.34"), configurations.grok, leaves=(".grok/",)),
        Agent(
            PypiPackage("aider", "aider-chat", "0.86.2"),
            configurations.aider,
            phrased=phrasing.aider,
            words_of_work="Act as an expert software developer",
            leaves=(".aider.tags.cache.v4/",),
        ),
        Agent(
            PypiPackage("mini", "mini-swe-agent", "2.4.6", beside=("mcp==2.3.0", "litellm==1.110.2")),
            configurations.mini,
            phrased=phrasing.mini,
        ),
        Agent(PypiPackage("gptme", "gptme", "0.35.1"), configurations.gptme, phrased=phrasing.gptme, is_priced=False),
        Agent(PypiPackage("openhands", "openhands", "1.16.0", python=(3, 12)), configurations.openhands),
        Agent(PypiPackage("vibe", "mistral-vibe", "3.0.2", python=(3, 12)), configurations.vibe),
    )
}

QUICK = ("claude", "codex", "kimi")
"""Those that each change is tried with; the others take longer, to be installed or to answer."""

BRIDGES = {
    agent.name: agent
    for agent in (
        Agent(NpmPackage("claude-acp", "@agentclientprotocol/claude-agent-acp", "0.101.0"), configurations.claude),
        Agent(NpmPackage("codex-acp", "@agentclientprotocol/codex-acp", "2.6.0"), configurations.codex),
    )
}
"""Programs that let an agent speak ACP, each with an agent of its own in it."""


def main() -> int:
    """Install what is missing, two at a time."""
    if sys.argv[1:] not in (["install"], ["install", "quick"]):
        print(__doc__, file=sys.stderr)
        return 2
    if shutil.which("npm") is None:
        print("npm is not installed: the tests of real agents need Node.js with npm, 20 or newer", file=sys.stderr)
        return 2
    wanted = [AGENTS[name] for name in QUICK] if "quick" in sys.argv else [*AGENTS.values(), *BRIDGES.values()]
    with ThreadPoolExecutor(2) as pool:
        good = [*pool.map(_install, (NODE, YAML, INSTALLER, *HOOK_TOOLS, *(agent.cli for agent in wanted)))]
    return 0 if all(good) else 1


def _install(package: Package) -> bool:
    pinned = f"{package.package} {package.version}"
    try:
        print(f"{pinned}: {'installed' if package.install() else 'there already'}", flush=True)
    except (subprocess.CalledProcessError, NoPythonError) as error:
        print(f"{pinned} could not be installed: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
