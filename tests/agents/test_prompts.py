"""A prompt reaches the model byte for byte, however long it is and whatever is in it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Place, quick_for
from .dialects import Reply, Say
from .scripted_model import Request
from .table import expect, note

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]
HARD = "--help -p \"double\" 'single' `tick` $HOME $(id) \\n \\ %s {x} é ß 漢字 🦊👩‍👩‍👧 \u202e\u200b\x01\x1b[31m\x7f"
FILE = re.compile(r"from the file (\S+) and")


def prompt() -> str:
    """About 200 kB: leading dashes, quotes, empty lines, emoji, and control characters but NUL."""
    lines = [f"{number} {HARD}" for number in range(1800)]
    return "\n".join(["--version", "", "- begin", *lines, "\t- end of it"])


@quick_for("claude", "codex", "kimi")
def test_a_long_prompt_with_everything_in_it_arrives_as_it_was(place: Callable[..., Place]) -> None:
    wanted = prompt()
    assert len(wanted.encode()) > 200_000
    in_files: list[str] = []

    def look(request: Request) -> Reply:
        found = FILE.search(request.prompt)
        if found and Path(found[1]).is_file():
            in_files.append(Path(found[1]).read_text(encoding="utf-8"))
        return Say("Read.")

    there = place(look)
    expect(there.agent, "200 kB")
    turn = there.turn(wanted)
    assert turn.status == "done", turn
    asked = there.model.main[0].texts
    if any(wanted in text for _role, text in asked):
        note(there.agent, "200 kB", "byte for byte")
    else:
        assert in_files == [wanted]
        note(there.agent, "200 kB", "byte for byte, as a file")


@quick_for("claude", "codex")
def test_a_prompt_that_looks_like_a_flag_is_a_prompt(place: Callable[..., Place]) -> None:
    there = place(Say("--version"))
    turn = there.turn("--version --help")
    assert turn.status == "done", turn
    assert "--version --help" in there.model.main[0].prompt
