"""Numbers for people."""

import time

from agentloop import events as ev
from agentloop.state import RunState


def used(usage: ev.Usage) -> str:
    """What a turn used: tokens and cost, unknown where it was not told."""
    return f"{_tokens(usage.input_tokens, usage.output_tokens)} · {_cost(usage.cost_usd, usage.cost_is_estimated)}"


def totals(state: RunState) -> str:
    """What a run used so far."""
    cost = _cost(state.cost_usd, state.cost_is_estimated)
    if state.cost_usd is None and state.known_cost_usd:
        cost += f", at least {_cost(state.known_cost_usd, state.cost_is_estimated)}"
    return f"{_tokens(state.input_tokens, state.output_tokens)} · {cost}"


def _tokens(into: int | None, out: int | None) -> str:
    if into is None and out is None:
        return "tokens unknown"
    return f"{'?' if into is None else f'{into:,}'} in, {'?' if out is None else f'{out:,}'} out"


def _cost(cost_usd: float | None, is_estimated: bool) -> str:
    return "cost unknown" if cost_usd is None else f"{'~' if is_estimated else ''}${cost_usd:.4f}"


def changed(change: ev.Changed | None) -> str:
    """How much a run has changed: `3 files changed, +40 -2`; empty when it is nothing."""
    if change is None or not change.files:
        return ""
    lines = [f"+{change.insertions}"] * bool(change.insertions) + [f"-{change.deletions}"] * bool(change.deletions)
    return ", ".join(filter(None, [f"{count(change.files, 'file')} changed", " ".join(lines)]))


def count(number: int, noun: str) -> str:
    """A number of things for people: `1 attempt`, `2 attempts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(at: float) -> str:
    """A time for people, with the day when that is another: `15:04:05`, `2026-11-28 15:04:05`."""
    then, now = time.localtime(at), time.localtime()
    return time.strftime("%T" if then[:3] == now[:3] else "%F %T", then)


def size(size_bytes: int) -> str:
    """A file's size for people: `812 bytes`, `3 KB`, `5 GB`."""
    for unit_bytes, unit in ((1024**3, "GB"), (1024**2, "MB"), (1024, "KB")):
        if size_bytes >= unit_bytes:
            return f"{size_bytes // unit_bytes} {unit}"
    return count(size_bytes, "byte")


def clock(seconds: float) -> str:
    """A duration for people: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
