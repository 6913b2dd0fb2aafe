"""Which files a pass may not depend on having been edited."""

import pytest

from agentloop.guard.protected import Protection, named_scripts, what_counts

PLAIN = Protection()


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_a.py", "test_a.py", "pkg/a_test.py", "tests/data/input.json", "conftest.py", "sub/conftest.py",
        "pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "Makefile", ".github/workflows/ci.yml",
        "agentloop.toml",
        "src/__tests__/a.js", "a.test.ts", "a.spec.js", "pkg/a_test.go", "package.json", "jest.config.mjs",
    ],
)  # fmt: skip
def test_what_says_what_success_is_has_to_stay(path: str) -> None:
    assert PLAIN.holds(path)
    assert not Protection(may_edit=(path,)).holds(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py",
        "app.py",
        "latest.py",
        "contest.py",
        "docs/testing.md",
        "README.md",
        "calendar.py",
        "src/http/client.py",
    ],
)
def test_the_work_itself_is_free(path: str) -> None:
    assert not PLAIN.holds(path)
    assert Protection(protect=(path,)).holds(path)


@pytest.mark.parametrize(
    "path",
    ["conftest.py", "tests/conftest.py", "pytest.ini", "sitecustomize.py", "pytest/__init__.py", "pytest.py",
     "src/_pytest/runner.py", "unittest/case.py", "random.py", "jest.config.js", "x.pth", "iniconfig.py", ".npmrc",
     "evil-1.dist-info/entry_points.txt", "src/x.egg-info/entry_points.txt", "GNUmakefile", "local.mk"],
)  # fmt: skip
def test_a_new_file_that_hooks_into_a_runner_is_refused(path: str) -> None:
    assert PLAIN.refuses_new(path)


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_new.py",
        "tests/__init__.py",
        "app/random.py",
        "src/app/json.py",
        "new.py",
        "test/first.js",
        "test/test_a.py",
        "src/test/java/FirstTest.java",
        "src/types/index.ts",
        "site/index.html",
    ],
)
def test_a_new_ordinary_file_is_welcome(path: str) -> None:
    assert not PLAIN.refuses_new(path)


def test_changes_are_told_apart() -> None:
    before = {"tests/test_a.py": "1", "tests/test_b.py": "1", "setup.cfg": ""}
    after = {"tests/test_a.py": "2", "setup.cfg": "", "conftest.py": "1", "tests/test_c.py": "1", "pyproject.toml": ""}
    changes = PLAIN.changes(before, after)
    assert changes.changed == ("tests/test_a.py", "tests/test_b.py")
    assert changes.planted == ("conftest.py",)
    assert changes.new_tests == ("tests/test_c.py",)
    assert not PLAIN.changes(before, before)
    assert PLAIN.changes(before, {**before, "setup.cfg": "3"}).changed == ("setup.cfg",)


@pytest.mark.parametrize(
    ("argv", "script"),
    [
        ("sh check.sh", "check.sh"), ("bash -e ./ci/all.sh fast", "ci/all.sh"), ("./run.sh", "run.sh"),
        ("./app --x", ""),
        ("python verify.py --all", "verify.py"), ("node tests/check.js", "tests/check.js"),
        ("python app.py", ""), ("ruff check app.py", ""), ("pytest -q", ""), ("sh gone.sh", ""),
    ],
)  # fmt: skip
def test_the_script_that_is_the_check_is_known(argv: str, script: str) -> None:
    paths = ["check.sh", "ci/all.sh", "run.sh", "verify.py", "tests/check.js", "app.py", "app"]
    assert named_scripts([argv.split()], paths) == ({script} if script else frozenset())


@pytest.mark.parametrize(
    ("path", "before", "after", "same"),
    [
        ("pyproject.toml", "[project]\nversion='1'", "[project]\nversion='2'", True),
        ("pyproject.toml", "", "[tool.pytest.ini_options]\naddopts='-k x'", False),
        ("pyproject.toml", "[tool.ruff]\n", "not toml at all [", False),
        ("setup.cfg", "[metadata]\nname=a", "[metadata]\nname=b", True),
        ("setup.cfg", "[metadata]\nname=a", "[tool:pytest]\naddopts=--co", False),
        ("package.json", '{"dependencies": {}}', '{"dependencies": {"a": "1"}}', True),
        ("package.json", '{"scripts": {"test": "jest"}}', '{"scripts": {"test": "true"}}', False),
        ("package.json", "{}", "[]", False),
        ("Makefile", "test:\n\tpytest", "test:\n\ttrue", False),
    ],
)
def test_of_a_configuration_the_part_that_judges_counts(path: str, before: str, after: str, same: bool) -> None:
    assert (what_counts(path, before) == what_counts(path, after)) is same
