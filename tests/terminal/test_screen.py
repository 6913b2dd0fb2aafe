"""The screen: what pyte cannot do by itself, and output that means harm."""

import itertools
import random

import pytest

from agentloop.agents.terminal.screen import Screen


def drawn(*chunks: bytes) -> list[str]:
    screen = Screen(10, 40, bytes)
    for chunk in chunks:
        screen.feed(chunk)
    return screen.lines


@pytest.mark.parametrize(
    "sequence",
    [
        b"\x1b[>1u", b"\x1b[=1;1u", b"\x1b[<u", b"\x1b[?u", b"\x1b[38:2::1:2:3m", b"\x1b[4:3m", b"\x1bP+q544e\x1b\\",
        b"\x1b_Gi=1;AAAA\x1b\\", b"\x1b]0;a title\x07", b"\x1b]8;;http://x\x1b\\", b"\x1b[?2026$p", b"\x1b[2 q",
        b"\x1b[>0q", b"\x1b[?5A", b"\x1b[?6n", b"\xc2\x9b31m"[:2], "\ufe0f\u200d\u202e".encode(),
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_not_drawn_wherever_it_is_cut(sequence: bytes) -> None:
    text = b"before " + sequence + b"after"
    assert drawn(text) == ["before after"]
    assert drawn(*(bytes([byte]) for byte in text)) == ["before after"]


def test_words_behind_emoji_and_accents_are_not_lost() -> None:
    assert drawn("⚠️ one e\u0301 nas\u0303".encode() + b" end") == ["⚠ one é nas̃ end"]


def test_what_scrolls_off_is_kept_until_it_is_forgotten() -> None:
    screen = Screen(10, 40, bytes)
    screen.feed(b"\r\n".join(b"line %d" % number for number in range(14)))
    assert screen.scrolled == ["line 0", "line 1", "line 2", "line 3"]
    assert screen.lines[0] == "line 4"
    screen.forget_scrolled()
    assert screen.scrolled == []


def test_marked_pastes_are_known_also_when_too_much_is_printed_at_once() -> None:
    screen = Screen(10, 40, bytes)
    assert not screen.takes_pastes
    screen.feed(b"\x1b[?2004h" + b"x" * 79 + b"\n" * 40_000 + b"end")
    assert screen.takes_pastes
    assert screen.lines[-1].strip() == "end"
    screen.feed(b"\x1b[?2004l")
    assert not screen.takes_pastes


def test_questions_of_the_program_are_answered() -> None:
    answers: list[bytes] = []
    Screen(10, 40, answers.append).feed(b"ab\x1b[6n\x1b[c")
    assert answers == [b"\x1b[1;3R", b"\x1b[?6c"]


@pytest.mark.parametrize(
    "flood",
    [
        b"\x1b]0;" + b"t" * 500_000, b"\x1b]0;" * 50_000, b"\x1b" * 50_000, b"\x1b[" + b"1;" * 200_000,
        b"\x1bP" + b"\x1b[" * 30_000, ("a" + "\u0301\u0316" * 100_000).encode(),
        ("a" + "\u0301\x1b[m\u0316" * 10_000).encode(), b"\x1b[9999L\x1b[9999@" * 1_000,
    ],
    ids=["open title", "many titles", "escapes", "numbers", "string", "accents", "coloured accents", "inserts"],
)  # fmt: skip
@pytest.mark.timeout(60)  # without bounds each takes minutes
def test_floods_are_survived_in_bounded_memory(flood: bytes) -> None:
    screen = Screen(10, 40, bytes)
    for start in range(0, len(flood), 65536):
        screen.feed(flood[start : start + 65536])
    assert len(screen._open) <= 256
    screen.feed(b"\x1b\\\x07\x1bc\r\nalive")
    assert screen.lines[-1].endswith("alive")


def test_noise_never_fails() -> None:
    noise = random.Random(7)
    letters = [b"\x1b[", b"?", b";", b"9", b"h", b"J", b"r", b"\x1b#8", b"\x1b(0", b"\r\n", b"\xe2\x9a", b"\x9b", b"A"]
    screen = Screen(10, 40, bytes)
    for _time in itertools.repeat(None, 150):
        screen.feed(b"".join(noise.choices(letters, k=40)) + noise.randbytes(20))
    assert len(screen.lines) <= 10
