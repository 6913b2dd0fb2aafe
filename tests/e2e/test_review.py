"""A person goes through the drafts that wait: the real command line, in a real terminal, with scripted editors."""

import os
import signal
from pathlib import Path

import pytest

from agentloop.events import SkillRejected
from agentloop.records import journal
from agentloop.repo import Repo
from agentloop.run.review import waiting
from tests.drafts import SKILL, draft_of, keep_back

from .conftest import Bench, git
from .terminal import at_terminal, end, scripted_editor

ASKED = r"\[a\]ccept, \[e\]dit, \[r\]eject, \[s\]kip or \[q\]uit\? "
BROKEN = SKILL.format(name="keep-counting").replace("description:", "descriptoin:")


@pytest.fixture
def repo(bench: Bench) -> Repo:
    return Repo.open(bench.repo)


def test_it_is_shown_edited_and_accepted(bench: Bench, repo: Repo, tmp_path: Path) -> None:
    keep_back(repo, 1, text=BROKEN, reason="1 finding left after 2 repair turns", findings=("it was broken then",))
    editor = scripted_editor(tmp_path, 'sed -i s/descriptoin/description/ "$1"')
    with at_terminal(bench.repo, "skills", "review", EDITOR=editor) as child:
        child.expect(ASKED)
        for words in ("1 finding left after 2 repair turns", "it was broken then", "  | # Counting", "error: "):
            assert words in child.before
        child.sendline("a")
        child.expect("to be mended first")
        child.sendline("what?")
        child.expect(ASKED)
        child.sendline("e")
        child.expect("  | description:")
        child.expect(ASKED)
        assert "error: " not in child.before
        child.sendline("accept")
        code, told = end(child)
    assert code == 0
    assert "skill committed: skills/keep-counting/SKILL.md" in told
    assert "skills linked" in told
    assert "Add skill keep-counting" in git(bench.repo, "log", "--format=%s")


def test_it_is_rejected_with_a_reason_skipped_or_left(bench: Bench, repo: Repo) -> None:
    folders = [keep_back(repo, number, name) for number, name in enumerate(("a", "b", "c"), 1)]
    with at_terminal(bench.repo, "skills", "review") as child:
        child.expect("1 of 3: c ")
        child.expect(ASKED)
        child.sendline("r")
        child.expect(r"Why\?")
        child.sendline("")
        child.expect("a reason is wanted")
        child.sendline("r")
        child.expect(r"Why\?")
        child.sendline("too narrow")
        child.expect("2 of 3: b ")
        child.expect(ASKED)
        child.sendline("s")
        child.expect("3 of 3: a ")
        child.expect(ASKED)
        child.sendeof()
        assert end(child)[0] == 0
    last = journal.read(folders[2].journal)[-1]
    assert isinstance(last, SkillRejected)
    assert last.reason == "too narrow"
    drafts, _problems = waiting(repo.common_dir)
    assert [draft.name for draft in drafts] == ["b", "a"]


def test_an_editor_that_does_no_good_changes_nothing(bench: Bench, repo: Repo, tmp_path: Path) -> None:
    folder = keep_back(repo)
    editor = scripted_editor(tmp_path, "")
    with at_terminal(bench.repo, "skills", "review", VISUAL=f"{editor} --wait", EDITOR="false") as child:
        for script, words in (
            ("exit 3", "the editor failed"),
            ('rm "$2"', "left no file"),
            ('rm "$2"; mkfifo "$2"', "left no file"),
            ("true", "nothing was changed"),
            (None, "cannot be started"),
        ):
            child.expect(ASKED)
            if script is None:
                Path(editor).unlink()
            else:
                scripted_editor(tmp_path, script)
            child.sendline("e")
            child.expect(words)
        child.expect(ASKED)
        child.sendline("q")
        assert end(child)[0] == 0
    assert (draft_of(folder) / "SKILL.md").read_text() == SKILL.format(name="keep-counting")
    assert [path.name for path in folder.draft.iterdir()] == ["keep-counting"]


def test_ctrl_c_in_the_editor_is_the_editors_and_elsewhere_ends_it(bench: Bench, repo: Repo, tmp_path: Path) -> None:
    keep_back(repo)
    editor = scripted_editor(tmp_path, 'trap \'echo caught\' INT; echo editing; read line; echo "$line" >> "$1"')
    with at_terminal(bench.repo, "skills", "review", EDITOR=editor) as child:
        child.expect(ASKED)
        child.sendline("e")
        child.expect("editing")
        child.sendintr()
        child.expect("caught")
        child.sendline("a line more")
        child.expect(r"  \| ")
        child.expect(ASKED)
        child.sendintr()
        code, told = end(child)
    assert code == 130
    assert "Traceback" not in told
    assert len(waiting(repo.common_dir)[0]) == 1


def test_a_signal_ends_the_editor_too(bench: Bench, repo: Repo, tmp_path: Path) -> None:
    keep_back(repo)
    editor = scripted_editor(tmp_path, 'echo "editor $$"; exec sleep 60')
    with at_terminal(bench.repo, "skills", "review", EDITOR=editor) as child:
        child.expect(ASKED)
        child.sendline("e")
        child.expect(r"editor (\d+)")
        assert child.match
        editor_pid = int(child.match[1])
        os.kill(child.pid, signal.SIGTERM)
        assert end(child)[0] == 143
    with pytest.raises(ProcessLookupError):
        os.kill(editor_pid, 0)


def test_a_hostile_draft_reaches_the_terminal_as_words(bench: Bench, repo: Repo) -> None:
    text = (
        SKILL.format(name="keep-counting")
        + "\x1b[2J\x1b]0;title\x07[red]m[/red] \u202etxt\u200b \x9b31m\nlong "
        + "x" * 300_000
    )
    folder = keep_back(repo, text=text)
    (draft_of(folder) / "\x1b[31mred").symlink_to("/etc/passwd")
    with at_terminal(bench.repo, "skills", "review", EDITOR="true") as child:
        child.expect(ASKED)
        shown = child.before
        child.sendline("e")
        child.expect("too large")
        child.sendline("a")
        child.expect("to be mended first")
        child.sendline("q")
        end(child)
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "[red]m[/red] <U+202E>txt<U+200B> 31m" in shown
    assert "red -> /etc/passwd (a link, not followed)" in shown
    assert "root:" not in shown
    assert len(shown) < 300_000


def test_a_draft_that_is_gone_is_told_of(bench: Bench, repo: Repo) -> None:
    folder = keep_back(repo)
    draft_of(folder).rename(folder.path / "elsewhere")
    with at_terminal(bench.repo, "skills", "review") as child:
        child.expect("error: the draft of run .* is gone")
        assert end(child)[0] == 0
