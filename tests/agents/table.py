"""What the tests measured of each agent, as a table in docs/agents.md.

    python -m tests.agents.table clear       before the tests
    python -m tests.agents.table write       after them

The tests leave a fact in a file each, below the cache folder of the agents.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from agentloop.agents import registry
from agentloop.agents.spec import Adapter

from .clis import AGENTS, Agent
from .packages import CACHE

_MEASURED = CACHE.parent / "measured"
_PAGE = Path(__file__).parents[2] / "docs" / "agents.md"
_BEGIN, _END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
_RUN = {
    "whole run": "whole run",
    "same session": "same session, by the model's requests",
    "session id": "session id",
    "tokens": "tokens",
    "cost": "cost",
    "skill seen": "a fresh session sees the skill",
    "200 kB": "a prompt of 200 kB",
}
_FAILURES = {
    "429": "429",
    "429 with a reset": "429 with a reset",
    "500": "500",
    "401": "401",
    "cut": "stream cut",
    "hang": "no answer",
}


def expect(agent: Agent, *facts: str) -> None:
    """Say that facts are about to be measured: whatever is not noted afterwards has failed."""
    for fact in facts:
        note(agent, fact, "failed")


def note(agent: Agent, fact: str, value: str) -> None:
    """Leave what was measured."""
    folder = _folder(agent)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / fact).write_text(value, encoding="utf-8")


def _folder(agent: Agent) -> Path:
    return _MEASURED / f"{agent.name}-{agent.cli.version}"


def _facts(agent: Agent) -> Mapping[str, str]:
    folder = _folder(agent)
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} if folder.is_dir() else {}


def _tables() -> str:
    agents = [AGENTS[name] for name in sorted(AGENTS)]
    measured = [(agent, _facts(agent)) for agent in agents]
    run = [[agent.name, agent.cli.version, *_cells(_RUN, facts)] for agent, facts in measured]
    run += [[adapter.name, "", adapter.evidence, *[""] * (len(_RUN) - 1)] for adapter in _unmeasured()]
    failed = [[agent.name, *_cells(_FAILURES, facts)] for agent, facts in measured]
    return (
        f"{_table(['agent', 'version', *_RUN.values()], run)}\n"
        "What becomes of a turn when the model fails, and the kind of failure that agentloop takes it for:\n\n"
        f"{_table(['agent', *_FAILURES.values()], failed)}"
    )


def _unmeasured() -> list[Adapter]:
    adapters = registry.load_all()[0].values()
    return [adapter for adapter in adapters if adapter.name not in AGENTS and adapter.evidence]


def _cells(columns: Mapping[str, str], facts: Mapping[str, str]) -> list[str]:
    return [facts.get(fact, "not run") for fact in columns]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> int:
    """Forget what was measured, or write it into the page."""
    match sys.argv[1:]:
        case ["clear"]:
            shutil.rmtree(_MEASURED, ignore_errors=True)
        case ["write"]:
            before, _begin, rest = _PAGE.read_text(encoding="utf-8").partition(_BEGIN)
            after = rest.partition(_END)[2]
            _PAGE.write_text(f"{before}{_BEGIN}\n{_tables()}\n{_END}{after}", encoding="utf-8")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
