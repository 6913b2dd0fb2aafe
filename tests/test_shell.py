"""Command lines taken apart: which programs run, and which are known to have succeeded if the line did."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentloop.text.shell import simple_commands, unwrapped

SURE, UNSURE = True, False


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("make test", [("make test", SURE)]),
        ("bash -lc 'cd x && make test'", [("cd x", SURE), ("make test", SURE)]),
        ("/bin/bash -lc 'make'", [("make", SURE)]),
        ("make test 2>&1 | tail -3", [("make test", UNSURE), ("tail -3", SURE)]),
        ("set -eo pipefail; a | b", [("set -eo pipefail", SURE), ("a", SURE), ("b", SURE)]),
        ("a; b", [("a", UNSURE), ("b", SURE)]),
        ("a\nb", [("a", UNSURE), ("b", SURE)]),
        ("set -e\na\nb", [("set -e", SURE), ("a", SURE), ("b", SURE)]),
        ("a || true", [("a", UNSURE), ("true", UNSURE)]),
        ("a && b || c", [("a", UNSURE), ("b", UNSURE), ("c", UNSURE)]),
        ("a || b; c", [("a", UNSURE), ("b", UNSURE), ("c", SURE)]),
        ("a && b | c", [("a", SURE), ("b", UNSURE), ("c", SURE)]),
        ("a &", [("a", UNSURE)]),
        ("! a", [("a", UNSURE)]),
        ("(cd sub && make)", [("cd sub", SURE), ("make", SURE)]),
        ("FOO=1 BAR='x y' pytest -q", [("pytest -q", SURE)]),
        ("for i in 1 2; do make $i; done", [("make $i", UNSURE)]),
        ("if a; then b; fi", [("a", UNSURE), ("b", UNSURE)]),
        ("x=$(git rev-parse HEAD)", [("git rev-parse HEAD", UNSURE)]),
        ("cat > f <<'E'\nrm -rf /\nE\nmake", [("cat", UNSURE), ("make", SURE)]),
        ("a # and b\nc", [("a", UNSURE), ("c", SURE)]),
        ("make \\\n  test", [("make test", SURE)]),
        ("a > log 2>&1 && b", [("a", SURE), ("b", SURE)]),
        ("echo 'not closed", [("echo", SURE)]),
        ("nohup time make", [("make", SURE)]),
        ("command -v jq", []),
        ("", []),
        ("# nothing", []),
    ],
)
def test_what_a_line_runs(line: str, found: list[tuple[str, bool]]) -> None:
    assert [(" ".join(one.argv), one.sure) for one in simple_commands(line)] == found


def test_the_program_is_named_without_its_folder() -> None:
    assert simple_commands(".venv/bin/pytest -q")[0].program == "pytest"


@pytest.mark.parametrize("line", ["bash script.sh", "bash -c", "sh -c 'a' b", "make 'x"])
def test_what_is_no_wrapped_line_stays(line: str) -> None:
    assert unwrapped(line) == line


@given(st.text(alphabet="ab '\"\\$(){}<>|&;\n#=!-", max_size=60))
def test_whatever_is_typed_is_taken_apart(line: str) -> None:
    for one in simple_commands(line):
        assert one.argv


def test_a_long_line_of_brackets_is_read_up_to_a_bound() -> None:
    assert isinstance(simple_commands("(" * 1_000_000 + "<<E\n" * 1000), list)
