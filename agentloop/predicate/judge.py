"""A model's judgement, from the task and the diff alone: the one door to litellm, which loads when it is used.

Whatever goes wrong is an error, never a pass.
"""

import os
import warnings
from typing import Any

import tenacity
from pydantic import BaseModel, ConfigDict, ValidationError

from agentloop import interrupts, prompts
from agentloop.predicate.context import Context, Finding
from agentloop.predicate.language.nodes import Judge
from agentloop.predicate.waiting import wait_for
from agentloop.quoting import fenced, one_line, plain, shorten
from agentloop.redact import redact

MAX_DIFF_CHARS = 60_000
MAX_TASK_CHARS = 8_000
ANSWER_TIMEOUT_S = 60.0
_TRIES = 3
_MAX_REASON_CHARS = 300
_LOCAL_PRICES = "LITELLM_LOCAL_MODEL_COST_MAP"
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about its dependencies
        litellm = _litellm()
        try:
            text = _answer(
                litellm, context.judge_model, _prompt(node, context), min(ANSWER_TIMEOUT_S, context.timeout_s)
            )
        except Exception as error:  # noqa: BLE001 - it raises whatever its providers do
            return "error", f"the model {context.judge_model} gave no answer: {_say(error)}"
    try:
        ruling = Ruling.model_validate_json(text)
    except ValidationError:
        return "error", f"the model's answer is not of the wanted form: {_short(text)!r}; try another judge_model"
    return ("pass" if ruling.holds else "fail"), _short(ruling.reason) or "no reason given"


def _litellm() -> Any:
    """The library, loaded without the table of prices that it would fetch from the network."""
    before = os.environ.get(_LOCAL_PRICES)
    os.environ[_LOCAL_PRICES] = "True"
    try:
        import litellm
    finally:
        if before is None:
            del os.environ[_LOCAL_PRICES]
        else:
            os.environ[_LOCAL_PRICES] = before
    litellm.suppress_debug_info = True
    return litellm


def _prompt(node: Judge, context: Context) -> str:
    diff = shorten(redact(plain(context.diff())), MAX_DIFF_CHARS)
    return prompts.render(
        "judge",
        question=redact(node.question),
        task=fenced(shorten(redact(plain(context.task)), MAX_TASK_CHARS) or "(none was given)"),
        diff=fenced(diff or "(nothing has changed)", "diff"),
    )


def _answer(litellm: Any, model: str, prompt: str, timeout_s: float) -> str:
    transient = (
        litellm.exceptions.RateLimitError,
        litellm.exceptions.APIConnectionError,
        litellm.exceptions.InternalServerError,
        litellm.exceptions.ServiceUnavailableError,
    )

    def complete() -> str:
        answer = litellm.completion(
            model=model,
            messages=[{"role": "user", "content": prompt}],
            response_format=Ruling,
            temperature=0,
            timeout=timeout_s,
            num_retries=0,
            max_retries=0,
            drop_params=True,
        )
        return str(answer.choices[0].message.content or "")

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(transient),
        stop=tenacity.stop_after_attempt(_TRIES),
        wait=tenacity.wait_exponential(multiplier=0.5, max=5),
        sleep=interrupts.sleep,
        reraise=True,
    )
    return retrying(lambda: wait_for(complete, timeout_s + 1))


def _say(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return str(error)
    return f"{type(error).__name__}: {_short(str(error))}; see that judge_model, its key and its address are right"


def _short(text: str) -> str:
    return one_line(redact(text), _MAX_REASON_CHARS)
