"""What a look at the screen comes to, how a prompt is typed, and what was said: the pure parts."""

import pytest

from agentloop.agents.terminal.keyboard import Typed, typed
from agentloop.agents.terminal.settling import Look, judge, still
from agentloop.agents.terminal.transcript import said
from agentloop.agents.terminal_spec import Dialog, Terminal
from agentloop.process.pty import Discipline, Doing

ASKS = Dialog(pattern="Trust\\?", answer=("y",))
KNOWN = Terminal(start=("x",), ready="^>", busy="esc to interrupt", settled_s=1.0, dialogs=(ASKS,))
UNKNOWN = Terminal(start=("x",), settled_s=1.0)
READS, RUNS = Doing(reads=True), Doing(runs=True)
RAW, LINES = Discipline(canonical=False, reserved=b""), Discipline(canonical=True, reserved=b"\x03\x04")


@pytest.mark.parametrize(
    ("terminal", "look", "state"),
    [
        (UNKNOWN, Look("words", 0.9, 0.9), "working"),
        (UNKNOWN, Look("words", 1.1, 1.1), "ready"),
        (UNKNOWN, Look("words", 9.0, 0.1), "working"),  # it computes
        (UNKNOWN, Look("words", 9.0, 9.0, behind_a_job=True), "working"),
        (UNKNOWN, Look("words", 0.3, 0.1, doing=READS, is_reader=True), "ready"),
        (UNKNOWN, Look("words", 0.1, 0.1, doing=READS, is_reader=True), "working"),
        (UNKNOWN, Look("words", 99.0, 99.0, is_reader=True), "working"),
        (UNKNOWN, Look("", 5.0, 5.0), "working"),  # it has not begun
        (UNKNOWN, Look("", 11.0, 11.0), "ready"),
        (UNKNOWN, Look("", 0.3, 0.3, doing=READS), "ready"),
        (UNKNOWN, Look("words", 9.0, 9.0, doing=RUNS), "working"),
        (KNOWN, Look("> ", 9.0, 9.0, doing=RUNS), "ready"),
        (KNOWN, Look("> \n esc to interrupt", 99.0, 99.0), "working"),
        (KNOWN, Look("> ", 1.1, 1.1), "ready"),
        (KNOWN, Look("Delete all? ", 1.1, 1.1), "unknown"),
        (KNOWN, Look("Delete all? ", 1.1, 1.1, doing=READS), "unknown"),
        (KNOWN, Look("Trust?", 0.6, 0.1), ASKS),
        (KNOWN, Look("Trust?", 0.1, 0.1), "working"),
    ],
)
def test_what_it_does(terminal: Terminal, look: Look, state: object) -> None:
    assert judge(terminal, look) == state


def test_what_turns_and_counts_is_no_change_where_a_pattern_tells_more() -> None:
    assert still(KNOWN, "⠋ 3s") == still(KNOWN, "⠙ 41s")
    assert still(UNKNOWN, "⠋ 3s") != still(UNKNOWN, "⠙ 41s")


@pytest.mark.parametrize(
    ("prompt", "discipline", "pastes", "keys"),
    [
        ("a\nb", RAW, True, Typed(b"\x1b[200~a\nb\x1b[201~", b"\r")),
        ("a\x1b[20\x1b[201~1~b\x9b201~c", RAW, True, Typed(b"\x1b[200~abc\x1b[201~", b"\r")),
        ("a\x03b", Discipline(canonical=False, reserved=b"\x03"), True, Typed(b"\x1b[200~ab\x1b[201~", b"\r")),
        ("-a\n", LINES, True, Typed(b"-a\n", b"")),
        ("a\x03\x1bb", LINES, False, Typed(b"ab\n", b"")),
        ("a\nb", LINES, False, None),
        ("a\rb", LINES, False, None),
        ("x" * 4001, LINES, False, None),
        ("x" * 4001, RAW, False, Typed(b"x" * 4001, b"\r")),
    ],
)
def test_how_a_prompt_is_typed(prompt: str, discipline: Discipline, pastes: bool, keys: Typed | None) -> None:
    assert typed(prompt, discipline, pastes=pastes) == keys


@pytest.mark.parametrize(
    ("before", "after", "prompt", "text"),
    [
        (["you>"], ["you> hello", "hello to you", "you>"], "hello", "hello to you"),
        (["sh $"], ["sh $ ls", "a", "", "b", "sh $"], "ls", "a\n\nb"),
        ([">", "footer"], ["> say it", "  now", "● NO SKILL: none", ">", "footer"], "say it\nnow", "NO SKILL: none"),
        (["done", ">"], ["done", "> again", "done", ">"], "again", "done"),
        ([], [], "x", ""),
    ],
)
def test_what_was_said(before: list[str], after: list[str], prompt: str, text: str) -> None:
    assert said(before, after, prompt) == text
