"""Leaks: a skill may not carry the patch, nor the values that the tests expect."""

from dataclasses import replace

import pytest

from agentloop.skills.findings.leak import Solution, expected_values, leaks
from agentloop.skills.findings.neighbours import BUDGET_CHARS, more_tools, over_budget, repeats
from agentloop.skills.format import Skill

PATCH = """diff --git a/dates.py b/dates.py
--- a/dates.py
+++ b/dates.py
@@ -1,3 +1,6 @@
-    return old(text)
+    import re
+    match = WEEK.fullmatch(text)
+    if match and int(match[2]) <= 53:
+        return from_week(int(match[1]), int(match[2]))
+    return parse(text)
+}
"""
TEST = """
def test_week():
    name = "unused-name-7"
    assert parse("2024-W05") == date(2024, 1, 29)
    assert width(x) == 1048576
    assert kind == "int"
    assert flag == 1
    assertEqual(title(x), "Fifth week")
"""


def found(body: str, patch: str = PATCH, known: str = "", tests: tuple[str, ...] = (TEST,), **files: str) -> list[str]:
    texts = {"SKILL.md": body, **{key.replace("_dot_", "."): text for key, text in files.items()}}
    return [one.rule for one in leaks(texts, Solution(patch, tests, lambda value: value == known))]


def test_the_patch_is_found_in_a_block_with_other_spacing() -> None:
    code = "match = WEEK.fullmatch(text)\n  if match and int(match[2]) <= 53:\n return parse(text)"
    assert found(f"Do this:\n\n```python\n{code}\n```\n") == ["patch"]


def test_a_file_of_the_skill_is_looked_at_too() -> None:
    assert found("See the file.", reference_dot_md="\n".join(line[1:] for line in PATCH.splitlines())) == ["patch"]


CODE = ("match = WEEK.fullmatch(text)", "if match and int(match[2]) <= 53:", "return parse(text)")


@pytest.mark.parametrize(
    "body",
    [
        "```diff\n+" + "\n+    ".join(CODE) + "\n```",
        "\n".join(CODE),
        "\n".join(f"> {line}" for line in CODE),
        "```python\n# " + "\n# ".join(CODE) + "\n```",
        "- `" + "`\n- `".join(CODE) + "`",
        f"`{'; '.join(CODE)}`",
        "<pre>" + "<br>".join(CODE) + "</pre>",
        "\n".join(CODE).replace("(", "( ").replace("match and", "match\n  and"),
    ],
)
def test_the_patch_is_found_however_it_is_dressed(body: str) -> None:
    assert found(f"Do this:\n\n{body}\n") == ["patch"]


def test_a_patch_in_pieces_is_found() -> None:
    assert found(CODE[0], a_dot_md=CODE[1], b_dot_md=CODE[2]) == ["patch"]


def test_what_a_patch_adds_to_prose_is_no_solution() -> None:
    words = ["Run the tables first, then", "call the parser with them", "and look at what it says"]
    assert not found("\n".join(words), "+++ b/README.md\n" + "".join(f"+{line}\n" for line in words))


def test_a_patch_of_one_line_is_given_away_by_that_line() -> None:
    patch = "+++ b/a.py\n+    return age >= LIMIT_OF_VOTERS\n"
    assert found("Write `return age >= LIMIT_OF_VOTERS` there.", patch) == ["patch"]
    assert not found("Compare with `>=` when the limit belongs to the upper side.", patch)


def test_one_line_of_many_and_what_was_taken_out_are_no_leak() -> None:
    assert not found("The pattern `match = WEEK.fullmatch(text)` is used elsewhere too.")
    assert not found("```python\nreturn old(text)\n```")
    assert not found("```python\nimport re\n}\n```")


@pytest.mark.parametrize("value", ["2024-W05", "1048576", "Fifth week"])
def test_a_value_that_the_tests_expect_is_found(value: str) -> None:
    assert found(f"It gives {value} then.") == ["expected-value"]
    assert found(f"```text\nE  assert None == '{value}'\n```") == ["expected-value"]


def test_a_value_that_the_project_knows_anyway_is_no_secret_of_the_tests() -> None:
    assert not found("It gives 1048576 then.", known="1048576")


@pytest.mark.parametrize("value", ["int", "1", "unused-name-7", "12024-W05x", "2024"])
def test_ordinary_words_and_numbers_are_spared(value: str) -> None:
    assert not found(f"It gives {value} then.")


def test_what_a_test_expects() -> None:
    assert expected_values(TEST) == {"2024-W05", "1048576", "Fifth week"}


SKILL = "---\nname: {name}\ndescription: What. Use when {symptom}.\n---\n\n# T\n\n{body}\n"
BODY = "The parser wants its tables built anew after each change of the grammar, or lookups fail with a stale key."


def test_a_skill_that_says_what_another_says_is_a_duplicate() -> None:
    text = SKILL.format(name="new", symptom="lookups fail", body=BODY)
    near = SKILL.format(name="old", symptom="a lookup fails", body=BODY + " Run it twice.")
    far = SKILL.format(name="far", symptom="colours are wrong", body="Palettes are indexed from one in this toolkit.")
    assert [one.rule for one in repeats("new", text, {"old": near, "far": far}, {})] == ["duplicate"]
    assert not repeats("old", text, {"old": near, "far": far}, {})
    assert not repeats("new", text, {"far": far}, {})


def test_a_draft_that_was_rejected_before_is_known_again_with_the_reason() -> None:
    text = SKILL.format(name="new", symptom="lookups fail", body=BODY)
    found = repeats("new", text, {}, {SKILL.format(name="x", symptom="a lookup fails", body=BODY): "known to all"})
    assert [one.rule for one in found] == ["rejected-before"]
    assert "known to all" in found[0].message


def test_the_descriptions_of_all_skills_have_to_be_listed_together() -> None:
    others = {f"skill-{number}": "d" * 500 for number in range(15)}
    assert not over_budget("new", "x" * 100, others)
    assert [one.rule for one in over_budget("new", "x" * 900, others)] == ["budget"]
    assert not over_budget("skill-3", "d" * 500, others)


def test_a_short_description_is_taken_even_where_the_others_are_too_long() -> None:
    others = {f"skill-{number}": "d" * 1000 for number in range(20)}
    assert sum(map(len, others.values())) > BUDGET_CHARS
    assert not over_budget("new", "x" * 100, others)


def test_a_skill_of_the_same_name_that_says_something_else_is_not_replaced() -> None:
    text = SKILL.format(name="same", symptom="lookups fail", body=BODY)
    other = SKILL.format(
        name="same", symptom="colours are wrong", body="Palettes are indexed from one in this toolkit."
    )
    assert [one.rule for one in repeats("same", text, {"same": other}, {})] == ["replacement"]
    assert not repeats("same", text, {"same": text.replace("stale", "wrong")}, {})


def test_a_draft_gives_itself_no_rights() -> None:
    plain = Skill("a", "b", "c")
    armed = replace(plain, allowed_tools="Bash(curl:*)")
    assert [one.rule for one in more_tools(armed, None)] == ["more-tools"]
    assert more_tools(armed, plain)
    assert not more_tools(armed, armed)
    assert not more_tools(plain, armed)
