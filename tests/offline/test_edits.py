"""The edits: what is proposed, where, and that each leaves Python."""

import ast
from pathlib import Path

import pytest

from agentloop.offline.edits import candidates
from agentloop.offline.operators import BY_NAME, mentioned
from agentloop.offline.places import Source
from agentloop.offline.sources import editable_files, is_editable
from agentloop.offline.validate import Outcome, improves

pytestmark = pytest.mark.usefixtures("unmeasured_children")


def edits(text: str) -> dict[str, set[str]]:
    """All programs that one edit makes of a text, by the name of the operator."""
    source = Source("a.py", text.encode())
    everywhere = {("a.py", line): 1.0 for line in range(1, text.count("\n") + 2)}
    found: dict[str, set[str]] = {}
    for candidate in candidates({"a.py": source}, everywhere):
        found.setdefault(candidate.operator, set()).add(candidate.apply(source.content).decode())
    return found


def body(statement: str) -> str:
    return f"def f(a, b, items):\n    {statement}\n"


@pytest.mark.parametrize(
    ("operator", "wrong", "right"),
    [
        ("comparison boundary", "return a < b", "return a <= b"),
        ("wrong comparison", "return a == b", "return a != b"),
        ("wrong comparison", "return a not in items", "return a in items"),
        ("negated condition", "return not a", "return a"),
        ("swapped logic", "return a and b", "return a or b"),
        ("swapped operator", "return a + b", "return a - b"),
        ("integer division", "return a // b", "return a / b"),
        ("off-by-one constant", "return items[1]", "return items[0]"),
        ("wrong initial value", "a = 0", "a = 1"),
        ("missing one", "return a - b", "return a - b + 1"),
        ("missing one", "return range(a, b)", "return range(a, b + 1)"),
        ("extra one", "return a - b + 1", "return a - b"),
        ("slice bounds", "return items[:-1]", "return items[:]"),
        ("flipped flag", "return f(a, b, True)", "return f(a, b, False)"),
        ("sort order", "return sorted(items)", "return sorted(items, reverse=True)"),
        ("wrong method", "return a.lstrip()", "return a.strip()"),
        ("wrong method", "return min(items)", "return max(items)"),
        ("swapped arguments", "return f(a, b)", "return f(b, a)"),
        ("missing return value", "sorted(items)", "return sorted(items)"),
        ("extra condition", "return a and b", "return a"),
        ("wrong attribute", "return a.x + a.y", "return a.x + a.x"),
        ("wrong key", "return a['x'] + a['y']", "return a['y'] + a['y']"),
        ("wrong variable", "return a", "return b"),
        ("missing guard", "return b", "if not b:\n        return 0\n    return b"),
    ],
)
def test_an_operator_undoes_its_defect(operator: str, wrong: str, right: str) -> None:
    assert body(right) in edits(body(wrong))[operator]


@pytest.mark.slow
def test_every_edit_of_a_real_module_says_what_it_replaces_and_most_leave_python() -> None:
    content = Path(ast.__file__).read_bytes()
    source = Source("ast.py", content)
    everywhere = {("ast.py", line): 1.0 for line in range(1, 400)}
    found = candidates({"ast.py": source}, everywhere)
    assert len(found) > 500
    sound = 0
    for candidate in found[::7]:
        assert content[candidate.start : candidate.end].decode() == candidate.old
        try:
            ast.parse(candidate.apply(content))
        except SyntaxError:
            continue
        sound += 1
    assert sound > 0.98 * len(found[::7])


def test_text_beyond_ascii_does_not_shift_an_edit() -> None:
    text = 'def f(a, b):\n    return "größer, ä" if a < b else "ß"\n'
    assert text.replace("a < b", "a <= b") in edits(text)["comparison boundary"]


def test_windows_line_ends_stay() -> None:
    text = "def f(a, b):\r\n    return a < b\r\n"
    assert edits(text)["comparison boundary"] == {"def f(a, b):\r\n    return a <= b\r\n"}


def test_an_edit_keeps_its_key_when_the_statement_moves() -> None:
    text = body("return a < b")

    def keys(prefix: str) -> set[str]:
        source = Source("a.py", (prefix + text).encode())
        everywhere = {("a.py", line): 1.0 for line in range(1, 9)}
        return {candidate.key for candidate in candidates({"a.py": source}, everywhere) if candidate.function == "f"}

    assert keys("") == keys("import os\n\n\n")


@pytest.mark.parametrize(
    "path",
    ["tests/a.py", "test_a.py", "a_test.py", "conftest.py", "pkg/conftest.py", "setup.py", ".venv/a.py", "a.toml"],
)
def test_tests_and_configuration_are_never_edited(path: str) -> None:
    assert not is_editable(path)


def test_a_link_that_leads_out_of_the_repository_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("x = 1\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "inside.py").write_text("x = 1\n")
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    assert editable_files(root) == ["inside.py"]


@pytest.mark.parametrize("name", list(BY_NAME))
def test_an_operator_is_recognised_by_its_own_name(name: str) -> None:
    assert name in set(mentioned(f"Look for a {name} first."))


def test_an_outcome_is_better_only_when_fewer_fail_and_nothing_is_lost() -> None:
    before = Outcome({"a": "fail", "b": "fail", "c": "pass"})
    assert improves(before, Outcome({"a": "pass", "b": "fail", "c": "pass"}))
    assert not improves(before, Outcome({"a": "fail", "b": "fail", "c": "pass"}))
    assert not improves(before, Outcome({"a": "pass", "b": "pass", "c": "fail"}))
    assert not improves(before, Outcome({"a": "pass", "b": "pass", "c": "skip"}))
    assert not improves(before, Outcome({"a": "pass", "c": "pass"}))
    assert not improves(before, Outcome({"a": "pass", "b": "pass", "c": "pass"}, complete=False))
