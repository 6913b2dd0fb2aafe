"""Skills that say the same are alike; others are not."""

import itertools
import random

import pytest

from agentloop.skills.similarity import nearest, overlapping, similarity

HEAD = """---
name: {name}
description: "{description}"
license: MIT
metadata:
  "agentloop-run": "20261125-154823-7fac"
  "agentloop-agent": "claude"
  "agentloop-until": "pytest passes"
---
"""
CLOCK = (
    HEAD.format(name="freeze-the-clock", description="Pin time in tests. Use when a test fails around midnight.")
    + """
# Freeze the clock

Tests of invoices fail between 23:00 and midnight, since `invoice.due()` reads the local date while the fixture
writes UTC. Freeze both with the `frozen_clock` fixture from `tests/conftest.py`.

1. Ask for `frozen_clock` before the ledger fixture; the order matters, as the ledger caches its opening day.
2. Never call `date.today()` in a factory: take `clock.today()`.
3. Verify with `pytest tests/invoices -p no:randomly`.

Gotcha: the scheduler thread keeps its own clock. Stop it by `scheduler.pause()` first.
"""
)
CLOCK_LATER = (
    HEAD.format(name="freeze-the-clock", description="Freeze time in tests. Use when tests fail near midnight or DST.")
    + """
# Freeze the clock

Invoice tests fail between 23:00 and midnight and in the nights of daylight saving, since `invoice.due()` reads the
local date and the fixture writes UTC. Freeze both by the `frozen_clock` fixture of `tests/conftest.py`.

1. Name `frozen_clock` before the ledger fixture; the ledger caches its opening day.
2. In factories take `clock.today()`, not `date.today()`.
3. The scheduler thread has its own clock: call `scheduler.pause()` before.

Verify: `pytest tests/invoices -p no:randomly` passes at any hour.
"""
)
ZONES = (
    HEAD.format(name="store-utc", description="Where time zones are converted. Use when dates are a day off.")
    + """
# Dates are stored in UTC

The ledger and invoices keep UTC. Convert to the local zone in `views/format.py` alone; a factory that converts twice
puts a date a day off near midnight. Check `date.today()` is not called below `views/`; take `clock.today()`.
"""
)
WHEELS = (
    HEAD.format(name="build-the-wheel", description="How the native wheel is built. Use when linking fails.")
    + """
# Build the wheel

The extension links against a static zlib. Run `make vendor` first, or the linker takes the system's library and the
wheel is tagged for one glibc alone. `auditwheel repair` wants patchelf 0.17. Sign nothing before the repair.
"""
)


def test_two_versions_are_alike_a_neighbour_less_and_a_stranger_not_at_all() -> None:
    assert similarity(CLOCK, CLOCK) == pytest.approx(1.0)
    assert similarity(CLOCK, CLOCK_LATER) >= 0.6
    assert 0.1 < similarity(CLOCK, ZONES) < 0.6
    assert similarity(CLOCK, WHEELS) < 0.1


def test_it_is_symmetrical_and_within_bounds() -> None:
    for a, b in itertools.product((CLOCK, ZONES, WHEELS, "", "---", "the of and"), repeat=2):
        assert similarity(a, b) == similarity(b, a)
        assert 0.0 <= similarity(a, b) <= 1.0
    assert similarity("", "") == 0.0


def test_metadata_and_words_that_every_skill_has_do_not_count() -> None:
    one = HEAD.format(name="alpha", description="Use this skill when the tests fail.") + "Run the tests and check them."
    other = HEAD.format(name="beta", description="Use when a test fails.") + "Run the test; check the file."
    assert similarity(one, other) == 0.0


def test_a_description_over_several_lines_counts() -> None:
    folded = "---\nlicense: MIT\ndescription: >\n  rotate the quayside\n  certificates\nauthor: nobody\n---\n\nbody\n"
    assert similarity(folded, "rotate quayside certificates") > 0.8
    assert similarity(folded, "nobody MIT license author") == 0.0


def test_nearest_sorts_best_first_and_equals_by_name() -> None:
    texts = {"z": WHEELS, "later": CLOCK_LATER, "zones": ZONES, "a": WHEELS, "same": CLOCK}
    found = nearest(CLOCK, texts)
    assert [name for name, _score in found] == ["same", "later", "zones", "a", "z"]
    assert all(score == similarity(CLOCK, texts[name]) for name, score in found)
    assert nearest(CLOCK, {}) == []


def test_overlapping_finds_what_comparing_all_pairs_finds() -> None:
    draw = random.Random(7)
    vocabulary = [f"word{number}x" for number in range(2000)]
    texts = {f"skill-{n:02}": " ".join(draw.choices(vocabulary, k=80)) for n in range(40)}
    for n in range(0, 40, 4):  # some of their words changed
        kept = texts[f"skill-{n:02}"].split()[: 50 + n // 2]
        texts[f"later-{n:02}"] = " ".join([*kept, *draw.choices(vocabulary, k=80 - len(kept))])
    every = {
        (one, other): score
        for one, other in itertools.combinations(sorted(texts), 2)
        if (score := similarity(texts[one], texts[other])) >= 0.5
    }
    assert {(pair.one, pair.other): pair.score for pair in overlapping(texts, 0.5)} == every
    assert len(every) == 10


def test_many_copies_do_not_come_to_all_pairs() -> None:
    found = overlapping({f"copy-{n:04}": CLOCK for n in range(200)}, 0.9)
    assert 199 <= len(found) < 200 * 51
    assert {name for pair in found for name in (pair.one, pair.other)} == {f"copy-{n:04}" for n in range(200)}


def test_overlapping_says_what_is_shared() -> None:
    (pair,) = overlapping({"old": CLOCK, "new": CLOCK_LATER, "wheels": WHEELS}, 0.6)
    assert (pair.one, pair.other) == ("new", "old")
    assert "clock" in pair.shared
    assert pair.score == similarity(CLOCK, CLOCK_LATER)


def test_a_hostile_text_is_no_trouble() -> None:
    for text in ("---\n" + "x" * 10_000_000, "-" * 1_000_000, "---\n" * 200_000, "---\nname:" + "\n " * 500_000):
        assert 0.0 <= similarity(text, CLOCK) <= 1.0
