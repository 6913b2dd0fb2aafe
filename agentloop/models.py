"""Language models: the one door to litellm, which loads when it is used.

Its import takes seconds. Its faults are turned into ours, its retries are off: tenacity owns them here, with jitter and
bounded waits.
"""

import os
import re
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import tenacity

from agentloop import interrupts
from agentloop.errors import AgentUnusableError
from agentloop.events import ErrorClass
from agentloop.text.quoting import one_line
from agentloop.text.redact import redact
from agentloop.waiting import wait_for

TRIES = 3
MAX_WAIT_S = 60.0
"""A usage limit that lasts longer is for the caller to wait for."""
_LOCAL_PRICES = "LITELLM_LOCAL_MODEL_COST_MAP"
_MAX_ERROR_CHARS = 400
_WRAPPING = re.compile(r"^(?:(?:litellm\.)?\w*(?:Error|Exception)(?:: | - ))+")
_NO_KEY = re.compile(r"missing credentials|missing .{0,40}api.?key|api_key client option", re.IGNORECASE)
# OpenAI and those who copy it answer 429 to an account without money, too.
_NO_MONEY = re.compile(r"insufficient_quota|exceeded your current quota|credit balance", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context.{0,20}(window|length|size|limit)|(prompt|request|input) (is )?too (long|large)|too many tokens",
    re.IGNORECASE,
)
_TIMED_OUT = 408
_KINDS: Mapping[int, ErrorClass] = {
    401: "login",
    403: "login",
    _TIMED_OUT: "transient",
    413: "context",
    429: "rate_limit",
}


class ModelError(AgentUnusableError):
    """A model gave no answer.

    Args:
        message: what it said.
        kind: what can be done about it.
        retry_after_s: in how many seconds it will answer again; None where it does not say.
        hint: what to do next.
    """

    def __init__(
        self,
        message: str,
        kind: ErrorClass,
        *,
        retry_after_s: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.retry_after_s = retry_after_s


class _NoAnswerError(ModelError):
    """It did not answer in time."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that a model wants to be called."""

    id: str
    name: str
    arguments: str
    """JSON, if the model wrote it well."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said."""

    text: str
    calls: tuple[ToolCall, ...]
    message: dict[str, Any]
    """The answer as it stands in the conversation that is sent the next time."""
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    """None for a model whose price is unknown."""


def ask(
    model: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    tools: Sequence[Mapping[str, Any]] = (),
    timeout_s: float,
    on_wait: Callable[[ModelError, float], object] | None = None,
    **parameters: Any,
) -> Answer:
    """Put a conversation to a model; a fault that passes is tried again.

    Args:
        model: as litellm names it: `PROVIDER/NAME`.
        messages: the conversation, in the form of Chat Completions.
        tools: what it may call, likewise.
        timeout_s: the time for one answer.
        on_wait: called before it is asked again, with the fault and the seconds until then.
        parameters: further ones of `litellm.completion`.

    Raises:
        ModelError: it gave no answer.
        Interrupted: a signal was noted.
    """
    if tools:
        parameters["tools"] = list(tools)
    if tools and "claude" in model:  # who calls tools comes again, and Anthropic caches only what it is told to
        parameters["cache_control_injection_points"] = [{"location": "message", "index": at} for at in (0, -1)]
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_passes),
        stop=tenacity.stop_after_attempt(TRIES),
        wait=_wait_s,
        sleep=interrupts.sleep,
        before_sleep=lambda call: _tell(call, on_wait),
        reraise=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # litellm's own, about its dependencies
        litellm = _litellm()
        return retrying(_complete, litellm, model, messages, timeout_s, parameters)


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
    litellm.suppress_debug_info = True  # it would be printed on stdout
    litellm.telemetry = False
    return litellm


def _complete(
    litellm: Any, model: str, messages: Sequence[Mapping[str, Any]], timeout_s: float, parameters: Mapping[str, Any]
) -> Answer:
    def complete() -> Any:
        return litellm.completion(
            model=model,
            messages=list(messages),
            timeout=timeout_s,
            num_retries=0,
            max_retries=0,
            drop_params=True,
            **parameters,
        )

    try:
        response = wait_for(complete, timeout_s + 1)
        return _read(litellm, model, response)
    except TimeoutError as error:
        raise _NoAnswerError(str(error), "transient") from error
    except Exception as error:  # it raises whatever its providers do
        raise _failure(litellm, error) from error


def _read(litellm: Any, model: str, response: Any) -> Answer:
    message = response.choices[0].message
    usage = getattr(response, "usage", None)
    return Answer(
        text=message.content or "",
        calls=tuple(
            ToolCall(call.id or "", call.function.name or "", call.function.arguments or "")
            for call in message.tool_calls or ()
        ),
        message={"content": None, **message.model_dump(exclude_none=True)},
        input_tokens=getattr(usage, "prompt_tokens", None),
        output_tokens=getattr(usage, "completion_tokens", None),
        cost_usd=_cost_usd(litellm, model, response),
    )


def _cost_usd(litellm: Any, model: str, response: Any) -> float | None:
    try:
        return float(litellm.completion_cost(completion_response=response, model=model))
    except Exception:  # noqa: BLE001 - a model without a price, or an answer without the numbers
        return None


def _failure(litellm: Any, error: Exception) -> ModelError:
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    message = one_line(redact(_WRAPPING.sub("", str(error))), _MAX_ERROR_CHARS)
    kind = _kind(litellm, error, status)
    hints = {
        "login": "set its key as litellm names it, OPENAI_API_KEY and the like; a local server takes any",
        "permanent": "see that the model's name and address are right",
    }
    return (_NoAnswerError if status == _TIMED_OUT else ModelError)(
        f"{type(error).__name__}: {message}",
        kind,
        retry_after_s=retry_after_s(headers.get("retry-after", ""), time.time()) if kind == "rate_limit" else None,
        hint=hints.get(kind, ""),
    )


def _kind(litellm: Any, error: Exception, status: int | None) -> ErrorClass:
    text = str(error)
    if _NO_KEY.search(text):  # some providers' own libraries say it without a status
        return "login"
    if isinstance(error, litellm.exceptions.ContextWindowExceededError):
        return "context"
    if status in (400, 422, 429) and _TOO_LONG.search(text):
        return "context"
    if status == 429 and _NO_MONEY.search(text):
        return "permanent"
    is_refused = status is not None and 400 <= status < 500
    return _KINDS.get(status or 0, "permanent" if is_refused else "transient")


def retry_after_s(said: str, now: float) -> float | None:
    """The seconds that a Retry-After header names, or that are left until its date; None for anything else.

    Args:
        said: the header.
        now: Unix time in seconds.
    """
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - now)
    except (ValueError, TypeError):
        return None


def _passes(error: BaseException) -> bool:
    """A little later it may work: no timeout, which has cost enough, and no limit that lasts."""
    if not isinstance(error, ModelError) or isinstance(error, _NoAnswerError):
        return False
    return error.kind == "transient" or (error.kind == "rate_limit" and (error.retry_after_s or 0.0) <= MAX_WAIT_S)


def _wait_s(call: tenacity.RetryCallState) -> float:
    error = call.outcome.exception() if call.outcome else None
    told_s = error.retry_after_s if isinstance(error, ModelError) else None
    jitter_s = tenacity.wait_random_exponential(multiplier=0.5, max=10)(call)
    return jitter_s if told_s is None else told_s + min(jitter_s, 1.0)


def _tell(call: tenacity.RetryCallState, on_wait: Callable[[ModelError, float], object] | None) -> None:
    error = call.outcome.exception() if call.outcome else None
    if on_wait and isinstance(error, ModelError) and call.next_action:
        on_wait(error, call.next_action.sleep)
