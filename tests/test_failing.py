"""The digest of what does not hold: the same for the same failures, another for any other."""

from pathlib import Path

from agentloop.predicate.failing import digest

from .test_evidence import holds, leaf


def test_the_same_failures_have_the_same_digest_whatever_was_printed(tmp_path: Path) -> None:
    once = digest([leaf(tmp_path, ["a", "b"], output="took 1 s"), holds("ruff check . passes")])
    assert once == digest([holds("mypy passes"), leaf(tmp_path, ["b", "a"], output="took 2 s", first="another")])
    assert len(once) == 16


def test_any_other_failure_has_another(tmp_path: Path) -> None:
    of_command = leaf(tmp_path)
    different = [
        [leaf(tmp_path, ["a"])],
        [leaf(tmp_path, ["a", "b"])],
        [of_command],
        [leaf(tmp_path, source="make passes")],
        [of_command.model_copy(update={"verdict": "error"})],
        [of_command.model_copy(update={"exit_code": 2})],
        [of_command, leaf(tmp_path, ["a"])],
    ]
    assert len({digest(leaves) for leaves in different}) == len(different)


def test_where_all_holds_nothing_fails() -> None:
    assert digest([holds("pytest passes")]) == digest([]) == ""
