"""One turn: the model is asked, its tools are called, until it has no more calls or a limit is met."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentloop import prompts
from agentloop.builtin.session import Session, arguments
from agentloop.builtin.tools import Permissions, Result, Toolbox
from agentloop.errors import UsageError
from agentloop.models import Answer, ModelError, ToolCall, ask
from agentloop.skills.library import Library, Shelved
from agentloop.text.quoting import one_line, visible

SKILL_FOLDERS = (".agents/skills", ".claude/skills", "skills")
_MAX_SKILLS = 60
_MAX_NAME_CHARS = 100
_MAX_DESCRIPTION_CHARS = 400
_MAY = {
    "read": "You may look at files and change nothing: say what is to be done.",
    "edit": "Change files of the working folder only, and nothing outside of it.",
    "full": "Take care: nothing confines you to the working folder.",
}
Emit = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a turn; seconds and US dollars."""

    max_steps: int
    """Answers of the model."""
    max_cost_usd: float | None
    """None for no limit; a model without a known price cannot be held to one."""
    answer_timeout_s: float


@dataclass(slots=True)
class _Used:
    """What the turn used so far; None means unknown."""

    input_tokens: float | None = 0
    output_tokens: float | None = 0
    cost_usd: float | None = 0

    def add(self, answer: Answer) -> None:
        self.input_tokens = _sum(self.input_tokens, answer.input_tokens)
        self.output_tokens = _sum(self.output_tokens, answer.output_tokens)
        self.cost_usd = _sum(self.cost_usd, answer.cost_usd)


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a session.

    Args:
        session: the memory.
        model: as litellm names it.
        toolbox: what it can do.
        limits: what bounds it.
        emit: prints an event: a kind and its fields.
    """

    session: Session
    model: str
    toolbox: Toolbox
    limits: Limits
    emit: Emit

    def take(self, prompt: str) -> str:
        """Do what the prompt asks.

        Returns:
            The model's last words, or which limit was met.

        Raises:
            ModelError: the model gave no answer; the session is as it was before that step.
            Interrupted: a signal was noted.
        """
        system = {"role": "system", "content": system_prompt(self.toolbox.root, self.toolbox.permissions)}
        used = _Used()
        self.session.prompt(prompt)
        for _step in range(self.limits.max_steps):
            limit_usd = self.limits.max_cost_usd
            if limit_usd is not None and (used.cost_usd or 0) >= limit_usd:
                return f"I stopped: the turn has cost ${used.cost_usd:.4f}, its limit is ${limit_usd:.4f}"
            answer = self._ask([system, *self.session.messages])
            used.add(answer)
            self.emit(
                "usage",
                model=self.model,
                input_tokens=used.input_tokens,
                output_tokens=used.output_tokens,
                cost_usd=used.cost_usd,
            )
            calls = self.session.answer(answer)
            if answer.text:
                self.emit("text", text=answer.text)
            if not calls:
                return answer.text
            for call in calls:
                self._call(call)
        return f"I stopped: the limit of {self.limits.max_steps} steps is reached"

    def _ask(self, messages: list[dict[str, Any]]) -> Answer:
        return ask(
            self.model,
            messages,
            tools=self.toolbox.schemas,
            timeout_s=self.limits.answer_timeout_s,
            on_wait=lambda error, delay_s: self.emit("waiting", reason=_waiting(error, delay_s)),
        )

    def _call(self, call: ToolCall) -> None:
        told = arguments(call)
        command = str((told or {}).get("command", ""))
        detail = command or str((told or {}).get("path", ""))
        self.emit("tool", call=call.id, name=call.name, detail=detail, command=command)
        result: Result = self.toolbox.call(call.name, told)
        self.session.result(call, result.text)
        self.emit("result", call=call.id, failed=result.failed, output=result.text)


def system_prompt(root: Path, permissions: Permissions) -> str:
    """What the model is told first, with the skills that lie in the working folder."""
    return prompts.render("builtin", root=str(root), may=_MAY[permissions], skills=_skills(root))


def _skills(root: Path) -> str:
    lines: dict[str, str] = {}
    for name in SKILL_FOLDERS:
        try:
            library = Library.of(root, name)
            skills = [entry for entry in library.skills() if isinstance(entry, Shelved)]
        except UsageError:
            continue  # the folder is a link that leads out, or cannot be listed: nothing of it is offered
        for one in skills:
            title = one_line(visible(one.skill.name), _MAX_NAME_CHARS)
            about = one_line(visible(one.skill.description), _MAX_DESCRIPTION_CHARS)
            path = one_line(visible(f"{name}/{one.folder.name}/SKILL.md"), 2 * _MAX_NAME_CHARS)
            lines.setdefault(title, f"- {title}: {about} (`{path}`)")
    left_out = len(lines) - _MAX_SKILLS
    more = [f"- and {left_out} more in {', '.join(SKILL_FOLDERS)}"] if left_out > 0 else []
    return "\n".join([*list(lines.values())[:_MAX_SKILLS], *more]) or "(there are none)"


def _waiting(error: ModelError, delay_s: float) -> str:
    return f"asking the model again in {delay_s:.0f} s: {error.message}"


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
