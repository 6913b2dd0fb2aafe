"""What tokens cost at the list price of their model, by the table that litellm ships.

It is read as the data that it is: importing litellm takes seconds, which a run that asks no model itself would pay for
a single number.
"""

import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from agentloop.events import Usage

_TABLE = "model_prices_and_context_window_backup.json"
_VARIANT = re.compile(r"\[[^\]]*\]$")


def with_cost(usage: Usage, model: str, *, worked: bool = False) -> Usage:
    """What a turn used, with an estimate of its cost where the agent says none and the model's price is known.

    A cost of 0 for tokens that have a price is no cost either: agents say so of what they cannot price. Nor are 0
    tokens what a turn used in which a model answered: agents say so when their server does not count them.

    Args:
        usage: as the agent reported it.
        model: as the agent names it; empty when it does not.
        worked: a model answered.
    """
    used_tokens = bool(usage.input_tokens or usage.output_tokens)
    if worked and not used_tokens and not usage.cost_usd:
        return Usage()
    if usage.cost_usd or (usage.cost_usd == 0 and not used_tokens):
        return usage
    estimate = _estimate_usd(usage, model) if used_tokens else None
    return usage.model_copy(update={"cost_usd": estimate, "cost_is_estimated": estimate is not None})


def _estimate_usd(usage: Usage, model: str) -> float | None:
    price = _price(model) if model and None not in (usage.input_tokens, usage.output_tokens) else None
    if price is None:
        return None
    into, out = usage.input_tokens or 0, usage.output_tokens or 0
    cached = min(usage.cached_tokens or 0, into)
    per_input, per_output = price["input_cost_per_token"], price["output_cost_per_token"]
    per_cached = price.get("cache_read_input_token_cost", per_input)
    return float((into - cached) * per_input + cached * per_cached + out * per_output)


@cache
def _price(model: str) -> dict[str, Any] | None:
    table = _table()
    known = (table.get(name) for name in _names(model))
    return next((price for price in known if _is_price(price)), None)


def _names(model: str) -> Iterator[str]:
    """The names under which a model may stand in the table: as it is, and without its providers."""
    name = _VARIANT.sub("", model.strip().lower())
    while name:
        yield name
        name = name.partition("/")[2]


def _is_price(price: Any) -> bool:
    """There are numbers, and not those of a subscription or an example, which are 0."""
    if not isinstance(price, dict):
        return False
    amounts = [price.get("input_cost_per_token"), price.get("output_cost_per_token")]
    return all(isinstance(amount, int | float) for amount in amounts) and any(amounts)


@cache
def _table() -> dict[str, Any]:
    """Prices by model; empty where litellm is not as it is expected to be."""
    found = importlib.util.find_spec("litellm")
    folders = found.submodule_search_locations if found else None
    try:
        table = json.loads(Path(next(iter(folders or ())), _TABLE).read_bytes())
    except (OSError, ValueError, StopIteration):
        return {}
    return table if isinstance(table, dict) else {}
