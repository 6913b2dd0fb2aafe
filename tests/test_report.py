"""Reports of test runners: pytest's by environment, files that a command names, and hostile ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentloop.events import TestCounts
from agentloop.predicate.reports import junit, tally
from agentloop.predicate.reports.report import Recorder, TestReport, failures_path

TESTS = """
import pytest, unittest

class TestX:
    class TestInner:
        @pytest.mark.parametrize("v", ["a[b]", "x.y/z", "new\\nline", "\\x1b[31m", "<&>`", "é", "a b - c"])
        def test_p(self, v): assert v == "é"

@pytest.fixture
def bad(): raise RuntimeError("set-up")

@pytest.fixture
def badend():
    yield
    raise RuntimeError("teardown")

def test_setup(bad): pass
def test_end(badend): pass
def test_both(badend): assert 0, "first"

@pytest.mark.xfail
def test_xfail(): assert 0

@pytest.mark.xfail(strict=True)
def test_xpass(): pass

def test_skip(): pytest.skip("no")

class Case(unittest.TestCase):
    def test_case(self): pass
"""
CASES = '<testsuite name="pytest"><testcase classname="t" name="a" file="t.py"/>{}</testsuite>'


def run_pytest(folder: Path, recorder: Recorder, *arguments: str, addopts: str = "") -> TestReport | None:
    """Run pytest as a check would: the recorder's environment, the output fed to it."""
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments]
    env = {**os.environ, "PYTEST_ADDOPTS": addopts}
    env |= recorder.environment(env)
    ran = subprocess.run(argv, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    recorder.feed(ran.stdout)
    return recorder.finish(" ".join(["pytest", *arguments]))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "tests" / "sub").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "tests" / "sub" / "test_a.py").write_text(TESTS)
    (folder / "tests" / "test_broken.py").write_text("import nothing_like_this\n")
    return folder


@pytest.fixture
def recorder(tmp_path: Path, project: Path) -> Recorder:
    logs = tmp_path / "logs"
    logs.mkdir()
    return Recorder(logs, 1, project)


def test_pytest_reports_by_environment_with_its_own_ids(project: Path, recorder: Recorder, tmp_path: Path) -> None:
    report = run_pytest(project, recorder, "--continue-on-collection-errors", addopts="-p no:timeout")
    assert report
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=project, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    ids = {line for line in listed.splitlines() if "::" in line}
    assert ids == set(report.outcomes) - {"tests/test_broken.py"}
    a = "tests/sub/test_a.py::"
    assert {name for name, outcome in report.outcomes.items() if outcome == "skipped"} == {
        a + "test_xfail", a + "test_skip"
    }  # fmt: skip
    assert {name for name, outcome in report.outcomes.items() if outcome == "passed"} == {
        a + r"TestX::TestInner::test_p[\xe9]", a + "Case::test_case"
    }  # fmt: skip
    assert report.counts == TestCounts(passed=2, failed=11, skipped=2)
    assert (report.runner, report.complete, report.from_document) == ("pytest", True, True)
    assert report.first_failure.startswith("tests/test_broken.py\n")
    assert "No module named 'nothing_like_this'" in report.first_failure
    assert list((tmp_path / "logs").iterdir()) == [], "the file is taken away once it was read"


def test_what_the_user_has_in_the_environment_stays_first(tmp_path: Path) -> None:
    added = Recorder(tmp_path, 1).environment({"PYTEST_ADDOPTS": "-k mine"})["PYTEST_ADDOPTS"]
    assert added.startswith("-k mine --junitxml=")
    assert set(Recorder(tmp_path, 1).environment({})) == {"PYTEST_ADDOPTS"}


def test_a_report_that_the_command_names_is_read(project: Path, recorder: Recorder) -> None:
    report = run_pytest(project, recorder, "--junit-xml=mine.xml", "tests/sub")
    assert report
    assert report.from_document
    assert report.counts.failed == 10
    assert (project / "mine.xml").is_file(), "it is the user's"


def test_a_report_from_before_the_command_is_none(project: Path, recorder: Recorder) -> None:
    stale = project / "mine.xml"
    stale.write_text(CASES.format(""))
    os.utime(stale, ns=(1, 1))
    assert recorder.finish("pytest --junitxml mine.xml") is None
    stale.write_text(CASES.format(""))
    report = recorder.finish("pytest --junitxml mine.xml")
    assert report
    assert report.outcomes == {"t.py::a": "passed"}


def test_an_inherited_test_is_named_by_its_class(project: Path, recorder: Recorder) -> None:
    (project / "tests" / "base.py").write_text("class Shared:\n    def test_shared(self): pass\n")
    (project / "tests" / "conftest.py").write_text(
        "import sys, pathlib\nsys.path.insert(0, str(pathlib.Path(__file__).parent))\n"
    )
    (project / "tests" / "sub" / "test_b.py").write_text("from base import Shared\nclass TestB(Shared): pass\n")
    report = run_pytest(project, recorder, "tests/sub/test_b.py")
    assert report
    assert list(report.outcomes) == ["tests/sub/test_b.py::TestB::test_shared"]


def test_a_runner_without_a_report_is_read_from_its_output(project: Path, recorder: Recorder) -> None:
    (project / "test_shop.py").write_text(
        "import unittest\nclass Shop(unittest.TestCase):\n    def test_tax(self): self.assertEqual(1, 2)\n"
    )
    ran = subprocess.run([sys.executable, "-m", "unittest", "-v"], cwd=project, capture_output=True, check=False)
    recorder.feed(ran.stderr)
    report = recorder.finish("python -m unittest -v")
    assert report
    assert (report.runner, report.complete, report.from_document) == ("unittest", True, False)
    assert [name.split()[0] for name in report.failed] == ["test_tax"]
    assert "AssertionError: 1 != 2" in report.first_failure


PARTS = """
import unittest

class Shop(unittest.TestCase):
    def test_adds(self): pass
    def test_parts(self):
        for part in range(4):
            with self.subTest("a part", part=part): self.fail()
    def test_twice(self): self.fail()
    def tearDown(self):
        if self._testMethodName == "test_twice": raise RuntimeError

class Closed(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError
    def test_never(self): pass
"""
SKIPPED_PARTS = """
import unittest

class Shop(unittest.TestCase):
    def test_adds(self): pass
    def test_parts(self):
        for part in range(4):
            with self.subTest(part=part): self.skipTest("no")
"""


@pytest.mark.parametrize(
    ("source", "flags", "counts"),
    [
        (PARTS, [], TestCounts(passed=1, failed=3)),
        (PARTS, ["-v"], TestCounts(passed=1, failed=3)),
        (SKIPPED_PARTS, ["-v"], TestCounts(passed=1, skipped=1)),
    ],
    ids=["quiet", "verbose", "skipped"],
)
def test_parts_of_a_test_are_no_tests(
    project: Path, recorder: Recorder, source: str, flags: list[str], counts: TestCounts
) -> None:
    (project / "test_shop.py").write_text(source)
    argv = [sys.executable, "-m", "unittest", *flags, "test_shop"]
    ran = subprocess.run(argv, cwd=project, capture_output=True, check=False)
    recorder.feed(ran.stderr)
    report = recorder.finish("python -m unittest")
    assert report
    assert report.counts == counts


def laughs() -> str:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>' + CASES.format("<testcase name='&l11;'/>")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no document",
        CASES.format("")[:-3],
        CASES.format("\0"),
        CASES.format("&unknown;"),
        CASES.format("<a>" * 100_000 + "</a>" * 100_000),
        CASES.format(f"<testcase name='{'x' * 40_000_000}'/>"),
        "<other/>",
        laughs(),
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">' + CASES.format(""),
    ],
    ids=["empty", "text", "cut off", "NUL", "entity", "deep", "long", "other", "laughs", "outside"],
)
def test_a_broken_or_hostile_report_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "report.xml"
    path.write_text(content)
    assert junit.read(path, pytest=True) is None


@pytest.fixture(params=["absent", "folder", "fifo", "loop", "device", "sparse"])
def no_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "report.xml"
    match request.param:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "sparse":
            with path.open("wb") as file:
                file.truncate(300 * 1024 * 1024)
    return path


def test_what_is_no_report_is_not_waited_for(no_file: Path) -> None:
    assert junit.read(no_file, pytest=True) is None
    recorder = Recorder(no_file.parent, 1, no_file.parent)
    assert recorder.finish(f"pytest --junitxml={no_file.name}") is None


def test_several_results_of_one_test_are_its_worst(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text(CASES.format('<testcase classname="t" name="a" file="t.py"><failure/></testcase>' + CASES[26:-18]))
    found = junit.read(path, pytest=True)
    assert found
    assert found.outcomes == {"t.py::a": "failed"}
    assert found.counts == TestCounts(failed=1)


def test_ids_are_single_lines_of_bounded_length_that_stay_different(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    names = [f"{'x' * 3000}{n}{'y' * 900}" for n in range(3)]
    cases = "".join(f'<testcase classname="t" name="{name}" file="t.py"/>' for name in names)
    path.write_text(CASES.format(cases + '<testcase classname="t" name="b&#10;```&#9;c" file="t.py"/>'))
    found = junit.read(path, pytest=True)
    assert found
    assert len(found.outcomes) == 5
    assert "t.py::b ``` c" in found.outcomes
    assert max(map(len, found.outcomes)) <= tally.MAX_ID_CHARS


def test_more_tests_than_are_kept_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MAX_IDS", 2)
    recorder = Recorder(tmp_path, 1, tmp_path)
    cases = "".join(f'<testcase classname="t" name="t{n}" file="t.py"><error/></testcase>' for n in range(5))
    (tmp_path / "mine.xml").write_text(CASES.format(cases))
    report = recorder.finish("pytest --junitxml=mine.xml")
    assert report
    assert len(report.outcomes) == 2
    assert report.counts == TestCounts(passed=1, failed=5)
    assert not report.complete


def test_a_report_is_saved_with_the_list_of_failures_and_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "SERVICE_TOKEN", "zq81-secret-value")
    recorder = Recorder(tmp_path, 1, tmp_path)
    secret = "zq81-secret-value"
    case = f'<testcase classname="t" name="b[{secret}]" file="t.py"><failure>{secret}</failure></testcase>'
    (tmp_path / "mine.xml").write_text(CASES.format(case))
    report = recorder.finish("pytest --junitxml=mine.xml")
    assert report
    path = tmp_path / "1.tests.json"
    report.save(path)
    assert TestReport.load(path) == report
    assert "zq81" not in path.read_text()
    assert failures_path(path).read_text() == "t.py::b[[redacted: value of SERVICE_TOKEN]]\n"
    path.write_text('{"runner": 1}')
    with pytest.raises(ValueError, match="runner"):
        TestReport.load(path)
