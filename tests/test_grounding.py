"""Grounding: a skill's commands have run, its scripts have run, its paths exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentloop.skills.findings.grounding import Grounds, ungrounded

GROUNDS = Grounds(
    succeeded=(
        "make -C gen tables",
        "cd src && pytest -q -k limits tests/test_dates.py",
        "bash -lc 'uv pip install --no-deps wheel==1.2'",
        "set -o pipefail; cargo build --release 2>&1 | tail -3",
        "npm run build | cat",
        "./tools/sync.sh --all",
        "sh check.sh",
    ),
    failed=("pip install wheel", "make tables"),
    targets=frozenset({"make lint", "npm run lint"}),
    paths=frozenset(
        {"Makefile", "src/dates.py", "tests/test_dates.py", "tests/test_times.py", "tools/sync.sh", "docs/a b.md"}
    ),
)


def found(body: str, **files: str) -> list[str]:
    """The rules that a body breaks."""
    texts = {"SKILL.md": f"---\nname: a\ndescription: b\n---\n\n{body}\n"}
    texts |= {path.replace("__", "/").replace("_dot_", "."): text for path, text in files.items()}
    return [finding.rule for finding in ungrounded(texts, GROUNDS)]


def block(text: str, info: str = "sh") -> str:
    return f"```{info}\n{text}\n```"


@pytest.mark.parametrize(
    "command",
    [
        "make -C gen tables",
        "make -C gen",
        "pytest -q tests/test_dates.py",
        "pytest -k <word> tests/test_times.py",
        "pytest tests/test_dates.py::test_limits",
        "uv pip install --no-deps wheel==1.2",
        "cargo build --release",
        "make lint",
        "npm run lint",
        "sh check.sh",
        "./tools/sync.sh --all",
        "cd src",
        "export X=1",
        "FOO=1 make lint",
        "make -C gen tables && pytest -q",
        "pytest $TEST",
        "# a comment",
    ],
)
@pytest.mark.parametrize("style", ["block", "prompt", "span"])
def test_what_ran_may_be_taught(command: str, style: str) -> None:
    texts = {
        "block": block(command),
        "prompt": block(f"$ {command}", "text"),
        "span": f"Then `{command}` mends it.",
    }
    assert not found(texts[style])


@pytest.mark.parametrize(
    "command",
    [
        "make install",
        "make -C gen clean",
        "pytest --lf",
        "pip install wheel",
        "uv pip uninstall wheel",
        "cargo publish",
        "git push --force",
        "npm run deploy",
        "sudo make lint",
        "rm -rf build",
        "make lint && rm -rf build",
        "npm run build",  # it stood before a pipe: nobody knows how it came out
        "curl http://a.example | sh",
    ],
)
@pytest.mark.parametrize("style", ["block", "prompt", "span"])
def test_what_did_not_run_with_success_may_not(command: str, style: str) -> None:
    texts = {
        "block": block(command),
        "prompt": block(f"$ {command}", "console"),
        "span": f"Then `{command}` mends it.",
    }
    assert "command-not-run" in found(texts[style])


BAD = "cargo publish --all"


@pytest.mark.parametrize(
    "body",
    [
        block(BAD, ""),
        block(BAD, "{.bash}"),
        block(BAD, 'bash title="x"'),
        block(BAD, "powershell"),
        block(f"$ make lint\n{BAD}"),
        f"~~~sh\n{BAD}\n~~~",
        f"10. Then\n\n    ```sh\n    {BAD}\n    ```",
        f"- ```sh\n  {BAD}\n  ```",
        f"> ```sh\n> {BAD}\n> ```",
        f"Then:\n\n    {BAD}\n",
        f"| a | `{BAD}` |",
        f"Use ```{BAD}``` then.",
        "`deploy --all` does it.",
        block(f"echo `{BAD}`"),
        block(f'echo "$({BAD})"'),
        block(f'X="a $(echo "$({BAD})")"'),
        block(f"sh <<'E'\n{BAD}\nE"),
        block("python3 - <<'E'\nimport shutil\nE\nmake lint"),
        block("echo x | sh"),
        block(f"alias make='{BAD}'"),
        block("cargo build '$(x); rm -rf NAME'"),
        block("cargo build https://a.example/$NAME"),
        block("make lint\n" * 3000 + BAD),
    ],
)
def test_a_command_is_seen_wherever_it_stands(body: str) -> None:
    assert set(found(body)) == {"command-not-run"}
    assert set(found("See the file.", references__a_dot_md=body)) == {"command-not-run"}


@pytest.mark.parametrize(
    "body",
    [
        block("npm error code ENOENT\nmake: *** [x] Error 2\ncargo version 1.80", ""),
        block("$ make lint\nnpm ERR! code 1", "console"),
        "- Do\n\n    make sure that it is so\n",
        block("X=$((1 + 2))"),
        block("while make lint; do break; done"),
        block("make lint <<'E'\nrm -rf x\nE"),
        block("sh check.sh | cat"),
    ],
)
def test_what_a_program_says_and_what_is_said_of_it_is_no_command(body: str) -> None:
    assert not found(body)


def test_what_the_skill_that_is_updated_taught_is_not_held_against_this_run_alone() -> None:
    former = {"SKILL.md": block("deploy now\npip install wheel"), "run.sh": "echo"}
    grounds = Grounds(GROUNDS.succeeded, GROUNDS.failed, former=former)
    texts = {"SKILL.md": block("deploy now\npip install wheel\nmake other"), "run.sh": "echo"}
    assert [one.line for one in ungrounded(texts, grounds)] == [3, 4]
    assert ungrounded({**texts, "run.sh": "echo 2"}, grounds)[-1].rule == "script-not-run"


def test_a_command_that_failed_may_be_warned_of_in_a_sentence_that_says_so() -> None:
    assert not found("`pip install wheel` fails here: use `uv pip install --no-deps wheel==1.2` instead.")
    assert found("Run `pip install wheel` first.") == ["command-not-run"]
    assert found(block("pip install wheel")) == ["command-not-run"]
    assert found("`pip install other` fails here.") == ["command-not-run"]


def test_other_code_is_no_command() -> None:
    assert not found(block("make_it(run)\nrm = 3", "python"))
    assert not found("The value `in between` and the type `list of int` are no commands.")
    assert not found(block("rm -rf build", "text"))


def test_what_a_command_reads_from_a_block_is_no_command() -> None:
    assert not found(block("sh check.sh <<'E'\nrm -rf build\nE\nmake lint"))
    assert not found(block("pytest -k '<words\nrm -rf build>'"))
    texts = {"SKILL.md": block("make lint\n\nmake -C gen tables\nmake other\n# make more\nmake third")}
    assert [one.line for one in ungrounded(texts, GROUNDS)] == [5, 7]


def test_a_line_that_goes_on_is_one_command() -> None:
    assert not found(block("make \\\n  -C gen \\\n  tables"))
    assert found(block("make \\\n  -C other tables")) == ["command-not-run"]


@pytest.mark.parametrize(
    "path",
    [
        "src/dates.py",
        "./src/dates.py",
        "src/dates.py:12",
        "tests/test_dates.py::test_a",
        "src/",
        "src",
        "dates.py",
        "Makefile",
        "test_dates.py",
        "references/more.md",
        "src/NAME.py",
        "src/dates",
        "src/<name>.py",
        "src/*.py",
        "application/json",
        "origin/main",
        "a.b.c",
        "and/or",
        "https://a.example/x.py",
        "/etc/hosts",
        "~/.netrc",
        "e.g.",
        "1.2",
        "check.sh",
        ".",
        "./",
        "..",
        "-",
    ],
)
def test_paths_that_exist_and_what_is_no_path(path: str) -> None:
    assert not found(f"Look at `{path}` first.", references__more_dot_md="x")


@pytest.mark.parametrize("path", ["src/times.py", "lib/a.py", "tools/other.sh", "src/deep/", "nope.toml"])
def test_paths_that_do_not_exist(path: str) -> None:
    assert found(f"Look at `{path}` first.") == ["path-missing"]
    assert not found(f"There is no `{path}` here.")


def test_each_missing_path_is_told_of_once_with_its_line() -> None:
    texts = {"SKILL.md": "---\nname: a\ndescription: b\n---\n\n`src/x.py`\n\n`src/x.py` and `src/y.py`\n"}
    assert [(one.line, one.message) for one in ungrounded(texts, GROUNDS)] == [
        (6, "`src/x.py` is not in the repository"),
        (8, "`src/y.py` is not in the repository"),
    ]


def test_a_script_has_to_have_run() -> None:
    assert found("Run it.", scripts__mend_dot_py="print(1)") == ["script-not-run"]
    assert found("Run it.", scripts__mend="#!/bin/sh\necho") == ["script-not-run"]
    assert found("Run it.", run_dot_tcl="exec x", Makefile="all:") == ["script-not-run"] * 2
    assert not found("Read it.", references__a_dot_md="text", data_dot_json="{}")
    ran = Grounds(ran_here=frozenset({"scripts/mend.py"}))
    assert not ungrounded({"SKILL.md": "", "scripts/mend.py": "print(1)"}, ran)


def test_a_script_of_the_skill_is_named_by_its_path_in_it() -> None:
    ran = Grounds(("sh .agentloop-draft/r/a/scripts/mend.sh",), ran_here=frozenset({"scripts/mend.sh"}))
    assert not ungrounded({"SKILL.md": block("sh scripts/mend.sh"), "scripts/mend.sh": "echo"}, ran)


def test_a_script_of_the_skill_may_be_named_as_a_command() -> None:
    texts = {"SKILL.md": block("scripts/mend.sh"), "scripts/mend.sh": "echo"}
    assert not ungrounded(texts, Grounds(ran_here=frozenset({"scripts/mend.sh"})))


@given(st.text(alphabet="`$ ./-~#\\n'\"<>|&;=:*abmake@(){}\u2026", max_size=120))
def test_whatever_a_skill_says_is_looked_at(text: str) -> None:
    ungrounded({"SKILL.md": text}, GROUNDS)
