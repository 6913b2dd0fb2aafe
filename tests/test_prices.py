"""What tokens cost, by the table that litellm really ships; litellm itself is not loaded."""

import subprocess
import sys

import pytest

from agentloop.events import Usage
from agentloop.prices import with_cost

TOKENS = Usage(input_tokens=1000, output_tokens=100)
SONNET_USD = 1000 * 3e-6 + 100 * 15e-6


@pytest.mark.parametrize("model", [
    "claude-sonnet-4-5", "anthropic/claude-sonnet-4-5", "somebody/anthropic/Claude-Sonnet-4-5", "claude-sonnet-4-5[1m]",
])  # fmt: skip
def test_tokens_are_priced_by_the_model_however_it_is_named(model: str) -> None:
    priced = with_cost(TOKENS, model)
    assert priced.cost_usd == pytest.approx(SONNET_USD)
    assert priced.cost_is_estimated


def test_what_was_read_from_a_cache_costs_less() -> None:
    priced = with_cost(TOKENS.model_copy(update={"cached_tokens": 900}), "claude-sonnet-4-5")
    assert priced.cost_usd == pytest.approx(100 * 3e-6 + 900 * 0.3e-6 + 100 * 15e-6)


@pytest.mark.parametrize(("usage", "model"), [
    (TOKENS, ""), (TOKENS, "nobody/knows-it"), (TOKENS, "sample_spec"), (TOKENS, "ollama/llama3"),
    (Usage(), "claude-sonnet-4-5"), (Usage(input_tokens=1000), "claude-sonnet-4-5"),
    (TOKENS.model_copy(update={"cost_usd": 0.0}), "nobody/knows-it"),
])  # fmt: skip
def test_what_cannot_be_priced_is_unknown_and_never_zero(usage: Usage, model: str) -> None:
    priced = with_cost(usage, model)
    assert (priced.cost_usd, priced.cost_is_estimated) == (None, False)


@pytest.mark.parametrize("usage", [
    TOKENS.model_copy(update={"cost_usd": 0.25}), Usage(cost_usd=0.0), Usage(cost_usd=0.0, input_tokens=0),
])  # fmt: skip
def test_what_the_agent_says_stands(usage: Usage) -> None:
    assert with_cost(usage, "claude-sonnet-4-5") == usage


@pytest.mark.parametrize("usage", [Usage(cost_usd=0.0), Usage(cost_usd=0.0, input_tokens=0, output_tokens=0)])
def test_nothing_for_an_answer_is_unknown(usage: Usage) -> None:
    assert with_cost(usage, "claude-sonnet-4-5", worked=True) == Usage()


def test_litellm_is_not_loaded_for_it() -> None:
    program = (
        "import sys; from agentloop.events import Usage; from agentloop.prices import with_cost\n"
        "cost = with_cost(Usage(input_tokens=9, output_tokens=9), 'claude-sonnet-4-5').cost_usd\n"
        "print(cost > 0, 'litellm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
