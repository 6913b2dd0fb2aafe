"""The built-in agent in a folder of its own, with a scripted model on loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentloop.builtin.session import Session, open_session
from agentloop.builtin.tools import Permissions, Toolbox
from agentloop.builtin.turn import Limits, Turn
from tests.agents.scripted_model import ScriptedModel, Step


@dataclass
class Desk:
    """A folder, a model, and the agent between them."""

    root: Path
    server: ScriptedModel
    model: str = "openai/scripted"
    permissions: Permissions = "edit"
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def session(self) -> Session:
        """The session, read from its file."""
        return open_session("a-session", resume=False)

    def take(self, prompt: str, **limits: Any) -> str:
        """Take a turn in this process."""
        told = {"max_steps": 20, "max_cost_usd": None, "answer_timeout_s": 20.0, **limits}
        toolbox = Toolbox(self.root, self.permissions)
        return Turn(self.session, self.model, toolbox, Limits(**told), self._emit).take(prompt)

    def _emit(self, kind: str, **fields: Any) -> None:
        self.events.append({"type": kind, **fields})

    def results(self) -> list[str]:
        """What the tools said, as the model was told."""
        return [message["content"] for message in self.session.messages if message["role"] == "tool"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Desk]]:
    """Say what the model says, and get the agent."""
    root = tmp_path / "tree"
    root.mkdir()
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "scripted-key-1234")
    with ExitStack() as servers:

        def make(*script: Step, **kwargs: Any) -> Desk:
            server = servers.enter_context(ScriptedModel(script))
            monkeypatch.setenv("OPENAI_API_BASE", f"{server.url}/v1")
            monkeypatch.setenv("ANTHROPIC_API_BASE", server.url)
            return Desk(root, server, **kwargs)

        yield make
