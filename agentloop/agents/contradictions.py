"""What an adapter says twice, differently, or in vain: each value is right, and together they cannot be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentloop.agents import placeholders
from agentloop.agents.spec import Adapter

_NAMES_SESSION = re.compile(r"\{session(_file)?\}")
Contradiction = tuple[tuple[str | int, ...], str, str]
"""The key, what is wrong, and what to do."""


def contradictions(adapter: Adapter, file: str) -> Iterator[Contradiction]:
    """Say what does not go together in an adapter.

    Args:
        adapter: what the file says.
        file: its name, without the ending.
    """
    if adapter.name != file:
        yield ("name",), f"an agent is found by the name of its file, which is {file!r}, not {adapter.name!r}", ""
    yield from _misspelt(adapter.model_dump(exclude_defaults=True))
    yield from _about_the_session(adapter)
    yield from _about_words(adapter)
    yield from _about_the_stream(adapter)


def _misspelt(content: Any, key: tuple[str | int, ...] = ()) -> Iterator[Contradiction]:
    """The placeholders that nobody fills, in any list of words."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _misspelt(value, (*key, name))
    elif isinstance(content, Sequence) and not isinstance(content, str):
        own = str(key[0])  # `model` and its like: words for one value, which is called as they are
        words = (word for word in content if isinstance(word, str))
        wrong = placeholders.misspelt(words, (*placeholders.NAMES, own))
        if wrong:
            yield key, *wrong
        for at, value in enumerate(content):
            yield from _misspelt(value, (*key, at))


def _about_the_session(adapter: Adapter) -> Iterator[Contradiction]:
    lines = {"start": adapter.start, "resume": adapter.resume, "fork": adapter.fork}
    naming = {name for name, words in lines.items() if any(_NAMES_SESSION.search(word) for word in words)}
    for name in ("resume", "fork"):
        if adapter.session == "none" and name in naming:
            yield (name,), 'it wants a {session}, and session is "none"', 'write: session = "reported", or "chosen"'
        if adapter.session != "none" and lines[name] and name not in naming:
            yield (name,), f'session is "{adapter.session}", and nothing here says which: {{session}} is missing', ""
    if adapter.session == "chosen" and adapter.start and "start" not in naming:
        yield ("start",), 'session is "chosen", and the agent is not told which: {session} is missing', ""
    patterns, paths = adapter.stream.patterns, adapter.stream.paths
    if adapter.session == "reported" and adapter.resume and not (paths.session or patterns.session or adapter.store):
        hint = "say it by stream.paths.session (JSON lines), by stream.patterns.session (text), or by a [store]"
        yield ("session",), 'it is "reported", and nothing says where it stands in what the agent prints', hint


def _about_words(adapter: Adapter) -> Iterator[Contradiction]:
    if adapter.model and not any("{model}" in word for word in adapter.model):
        yield ("model",), "{model} is missing in it: it is what the words are for", ""
    for name, words in {"start": adapter.start, "resume": adapter.resume, "fork": adapter.fork}.items():
        if any("{extra}" in word and word != "{extra}" for word in words):
            yield (name,), "{extra} stands for any number of words, so it has to be one of its own", ""
    modes = adapter.permissions.known().values()
    told = adapter.model or any(said.words for mode in modes for said in mode)
    if told and adapter.start and "{extra}" not in adapter.start:
        yield ("start",), "the words of permissions and model have no place in it", "put {extra} where they go"


def _about_the_stream(adapter: Adapter) -> Iterator[Contradiction]:
    has_paths = any(adapter.stream.paths.model_dump().values())
    has_document = any("{result_" in word for word in adapter.start)
    if has_paths and adapter.stream.format == "text" and not has_document:
        yield ("stream", "paths"), "expressions are tried on JSON lines", 'write under [stream]: format = "jsonl"'
