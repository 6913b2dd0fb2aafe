"""A model's judgement, from the task and the diff alone.

Whatever goes wrong is an error, never a pass.
"""

from pydantic import BaseModel, ConfigDict, ValidationError

from agentloop import models, prompts
from agentloop.predicate.context import Context, Finding
from agentloop.predicate.language.nodes import Judge
from agentloop.text.quoting import fenced, one_line, plain, shorten
from agentloop.text.redact import redact

MAX_DIFF_CHARS = 60_000
MAX_TASK_CHARS = 8_000
ANSWER_TIMEOUT_S = 60.0
_MAX_REASON_CHARS = 300
NO_MODEL = "no model is named for judge: set judge_model in agentloop.toml, or AGENTLOOP_JUDGE_MODEL"


class Ruling(BaseModel):
    """What the model answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    holds: bool
    reason: str


def rule(node: Judge, context: Context) -> Finding:
    """Put the question to the model.

    Raises:
        Interrupted: a signal was noted.
    """
    if not context.judge_model:
        return "error", NO_MODEL
    try:
        answer = models.ask(
            context.judge_model,
            [{"role": "user", "content": _prompt(node, context)}],
            timeout_s=min(ANSWER_TIMEOUT_S, context.timeout_s),
            response_format=Ruling,
            temperature=0,
        )
    except models.ModelError as error:
        return "error", f"the model {context.judge_model} gave no answer: {_say(error)}"
    try:
        ruling = Ruling.model_validate_json(answer.text)
    except ValidationError:
        said = repr(_short(answer.text))
        return "error", f"the model's answer is not of the wanted form: {said}; try another judge_model"
    return ("pass" if ruling.holds else "fail"), _short(ruling.reason) or "no reason given"


def _prompt(node: Judge, context: Context) -> str:
    diff = shorten(redact(plain(context.diff())), MAX_DIFF_CHARS)
    return prompts.render(
        "judge",
        question=redact(node.question),
        task=fenced(shorten(redact(plain(context.task)), MAX_TASK_CHARS) or "(none was given)"),
        diff=fenced(diff or "(nothing has changed)", "diff"),
    )


def _say(error: models.ModelError) -> str:
    return f"{_short(error.message)}; see that judge_model, its key and its address are right"


def _short(text: str) -> str:
    return one_line(redact(text), _MAX_REASON_CHARS)
