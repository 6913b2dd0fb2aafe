"""The command line that a user typed for a known agent, read as that agent reads it: flags, values, the task."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentloop.agents.spec import Adapter, Flags, Permission
from agentloop.errors import UsageError
from agentloop.job import PermissionMode

_LONG = re.compile(r"--[\w-]+")
_SHORT = re.compile(r"-\w")
_NO_VALUE = re.compile(r"-[-\w]")
_MIN_COST_USD = 0.0001
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PLACES = ("{prompt}", "{prompt_file}", "{session}")


@dataclass(frozen=True, slots=True)
class PassedOn:
    """What a turn of an agent gets beside its own command line."""

    words: tuple[str, ...]
    environment: Mapping[str, str]
    acp_mode: str = ""
    """The id of the session mode that fits, for an agent that is spoken to by ACP."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A flag with its values, or a word of another kind, as it was typed."""

    words: tuple[str, ...]
    names: tuple[str, ...] = ()
    """The flag's; more than one when short ones stand together, as in `-pc`."""
    values: tuple[str, ...] = ()

    @property
    def says(self) -> frozenset[str]:
        """What it is known by."""
        return frozenset(self.names or self.words)


def refuse_places(adapter: Adapter, words: Sequence[str]) -> None:
    """See that no word of a person's own stands for the prompt or the session of an agent that is known.

    Raises:
        UsageError: one does; the agent would get it as it stands.
    """
    placed = next((word for word in words if word in _PLACES), None)
    if placed:
        raise UsageError(
            f"{placed} has no place in a command line of {adapter.called}: where it goes is known", hint="leave it out"
        )


def split_task(adapter: Adapter, words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Find the sentence that the agent would take as its prompt; nothing, when there is none.

    Args:
        adapter: the agent.
        words: what was typed after its program's name.

    Returns:
        The task, and the words without it.

    Raises:
        UsageError: a word is neither a flag, nor a flag's value, nor a sentence.
    """
    parts = _read(adapter.flags, words)
    _refuse(adapter, parts)
    others = [part.words[0] for part in parts if not part.names and part.words[0] not in adapter.flags.dropped]
    task = others.pop() if len(others) == 1 and " " in others[0].strip() else ""
    if others:
        raise UsageError(
            f"{others[0]!r} cannot be passed on to {adapter.called}: it is neither a flag nor the value of a known one",
            hint="the task goes before --, or after it as one quoted sentence; other values are written --flag=value",
        )
    return task, tuple(word for part in parts if part.words != (task,) for word in part.words)


def passed_on(
    adapter: Adapter,
    words: Sequence[str],
    *,
    permissions: PermissionMode | Literal[""] = "",
    model: str = "",
    max_cost_usd: float | None = None,
) -> PassedOn:
    """What a turn of the agent gets: the user's words, and ours of permissions and the model where those say nothing.

    Args:
        adapter: the agent.
        words: what was typed after its program's name.
        permissions: what the agent may do; empty: the narrowest mode of it that can do the work.
        model: the model that it is told to use; empty: its own choice.
        max_cost_usd: what a turn may cost, for an agent that can be told; None for no limit.

    Raises:
        UsageError: one of the words can be set by agentloop only, the agent has no such mode, wants a model or
            cannot be told of one.
    """
    if adapter.needs_model and not model:
        raise UsageError(
            f"{adapter.called} wants a model to be named",
            hint='--model PROVIDER/NAME, or model = "PROVIDER/NAME" in agentloop.toml, or AGENTLOOP_MODEL',
        )
    parts = _read(adapter.flags, words)
    _refuse(adapter, parts)
    said = {name for part in parts for name in part.names}
    said |= {value.partition("=")[0] for part in parts for value in part.values}
    ours = [_model_words(adapter, model)] if model else []
    ours += [_filled(adapter.max_cost, "{max_cost}", _dollars(max_cost_usd))] if max_cost_usd is not None else []
    ours += _permissions(adapter, permissions)
    ours = [permission for permission in ours if not said & {*permission.unless}]
    dropped = {*adapter.flags.dropped}
    theirs = [word for part in parts if not part.says <= dropped for word in part.words]
    return PassedOn(
        words=(*(word for permission in ours for word in permission.words), *theirs),
        environment={name: value for permission in ours for name, value in permission.environment.items()},
        acp_mode=next((permission.acp_mode for permission in ours if permission.acp_mode), ""),
    )


def filled(template: Sequence[str], values: Mapping[str, str], extra: Sequence[str]) -> list[str]:
    """A command line of an adapter with what its placeholders stand for; one that is not known stays as it is."""
    argv: list[str] = []
    for word in template:
        argv += extra if word == "{extra}" else [_PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), word)]
    return argv


def carried_over(adapter: Adapter, words: Sequence[str]) -> tuple[str, ...]:
    """Of what a person typed to work with the agent themselves, what a turn of ours in that session needs too.

    That is flags with a value, such as the model or a file with settings. What says which session it is, how it is
    seen or what it may do is left out, and so is what nobody knows.

    Args:
        adapter: the agent.
        words: what was typed after its program's name.
    """
    modes = adapter.permissions.known().values()
    ours = {name for mode in modes for permission in mode for name in permission.unless}
    ours |= {*adapter.flags.dropped, *adapter.flags.refused}
    return tuple(
        word
        for part in _read(adapter.flags, words)
        if part.names and all(adapter.flags.takes_value(name) for name in part.names)
        if not ours & {*part.names, *(value.partition("=")[0] for value in part.values)}
        for word in part.words
    )


def _permissions(adapter: Adapter, asked: PermissionMode | Literal[""]) -> tuple[Permission, ...]:
    known = adapter.permissions.known()
    if not asked:
        return next(iter(known.values()), ())
    if asked not in known:
        hint = f"it has: {', '.join(known)}" if known else "give its own flags after --"
        raise UsageError(f"{adapter.called} has no permission mode {asked!r} that agentloop knows", hint=hint)
    return known[asked]


def _model_words(adapter: Adapter, model: str) -> Permission:
    """The words that choose the model, unless the user's own do."""
    if not adapter.model:
        raise UsageError(
            f"{adapter.called} cannot be told a model by agentloop", hint="choose it by the agent's own settings"
        )
    return _filled(adapter.model, "{model}", model)


def _filled(words: Sequence[str], placeholder: str, value: str) -> Permission:
    """Words with their value, unless the user's own say the same flag."""
    filled = tuple(word.replace(placeholder, value) for word in words)
    return Permission(words=filled, unless=tuple(word.partition("=")[0] for word in filled if word.startswith("-")))


def _dollars(amount_usd: float) -> str:
    """An amount as agents read it; never 0, which some take for no limit."""
    return f"{max(amount_usd, _MIN_COST_USD):.4f}".rstrip("0").rstrip(".")


def _refuse(adapter: Adapter, parts: Sequence[_Part]) -> None:
    for part in parts:
        if part.says & {*adapter.flags.refused}:
            raise UsageError(
                f"{part.words[0]!r} cannot be given to {adapter.called}: agentloop itself says where it works, "
                "which session it returns to and what it prints",
                hint="leave it out",
            )


def _read(flags: Flags, words: Sequence[str]) -> list[_Part]:
    parts: list[_Part] = []
    left = list(reversed(words))
    while left:
        word = left.pop()
        if word == "--":
            return parts + [_Part((other,)) for other in reversed(left)]
        names, attached = _flag(flags, word)
        values = list(_values(flags, names[-1], left)) if names and not attached else []
        parts.append(_Part((word, *values), names, (attached, *values)))
    return parts


def _flag(flags: Flags, word: str) -> tuple[tuple[str, ...], str]:
    """The names in a word, and the value that is attached to it; no names when it is no flag."""
    if _LONG.match(word):
        name, _equals, value = word.partition("=")
        return (name,), value
    names: list[str] = []
    for at, letter in enumerate(word[1:], start=1) if _SHORT.match(word) else ():
        names.append(f"-{letter}")
        if flags.takes_value(names[-1]):
            return tuple(names), word[at + 1 :].removeprefix("=")
    return tuple(names), ""


def _values(flags: Flags, name: str, left: list[str]) -> Iterator[str]:
    """Take the values of a flag from the words that are left, the next one last."""
    while flags.takes_value(name) and left and not _NO_VALUE.match(left[-1]):
        yield left.pop()
        if name not in flags.variadic:
            return
