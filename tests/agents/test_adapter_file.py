"""What is wrong in an adapter's file is told by file, line and key, in words for whoever wrote it."""

import json
import os
from importlib import resources
from pathlib import Path

import pytest

from agentloop import agents
from agentloop.agents import registry
from agentloop.agents.adapter_file import examine, place, read
from agentloop.errors import AdapterError

HEAD = 'name = "mine"\nstart = ["mine"]\n'


def error_of(folder: Path, content: str | bytes, name: str = "mine") -> str:
    path = folder / f"{name}.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AdapterError) as caught:
        read(path)
    return f"{caught.value.message}\n{caught.value.hint}".replace(f"{path}", "FILE")


@pytest.mark.parametrize("path", sorted(Path(str(resources.files(agents))).glob("*.toml")), ids=lambda path: path.stem)
def test_ours_are_right(path: Path) -> None:
    assert read(path).name == path.stem


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ('resum = ["b"]', "FILE:3: unknown key 'resum'\ndid you mean resume?"),
        ('# one\n\n[stream.paths]\nsesion = "x"', "FILE:6: unknown key 'stream.paths.sesion'\ndid you mean session?"),
        ('[stream]\n\nskills = ["a"]', "FILE:5: unknown key 'stream.skills'\nskills stands at the top of the file"),
        ('format = "jsonl"', "FILE:3: unknown key 'format'\ndid you mean"),
        ('[stream]\nkind = "x"', "FILE:4: unknown key 'stream.kind'\nit stands elsewhere: errors.kind"),
        ('[flags]\ncolour = "red"', "FILE:4: unknown key 'flags.colour'\nknown keys: dropped, refused"),
        ('[flags]\nvalue = ["-m"]', "FILE:4: unknown key 'flags.value'\ndid you mean valued?"),
        ("[[permissions.edit]]\n[[permissions.edit]]\nunles = []", "FILE:5: unknown key 'permissions.edit.unles'"),
        ('[[errors]]\nkind = "login"\npattern = "x"\n[[errors]]\npattern = "y"', "FILE:6: errors.kind is missing"),
        ('[[errors]]\nkind = "login"', "FILE:3: errors: a pattern or a status is wanted"),
        ('[[errors]]\nkind = "logn"\npattern = "x"', "FILE:4: errors.kind: one of rate_limit, transient"),
        ('[[errors]]\nkind = "logn"\npattern = "x"', "not the text \"logn\"\ndid you mean login?"),
        ('[[errors]]\nkind = "login"\nstatus = [1.5]', "FILE:5: errors.status"),
        ('[errors]\nkind = "login"', "FILE:3: errors: a list is wanted, not a table\nwrite it with two brackets"),
        ('[[errors]]\nkind = "login"\npattern = "("', "FILE:5: errors.pattern: no valid regular expression: missing )"),
        ('session = "pigeon"', "FILE:3: session: one of chosen, reported, none is wanted, not the text \"pigeon\""),
        ('resume = "mine -c {session} \'a b\'"', 'write: resume = ["mine", "-c", "{session}", "a b"]'),
        ("resume = [\n  1,\n]", "FILE:3: resume: a text in quotes is wanted, not the number 1"),
        ('stream = "jsonl"', 'FILE:3: stream: a table is wanted, not the text "jsonl"\nbegin a table: [stream]'),
        ("[environment]\nA = 1", "FILE:4: environment.A: a text in quotes is wanted, not the number 1"),
        ('skills = ["/etc"]', "FILE:3: skills: '/etc' is no folder inside the repository"),
        ('[stream.paths]\ntext = "a["', "FILE:4: stream.paths.text: no valid JMESPath"),
        ('[stream.paths]\ntext = "a[?len(@)]"', "FILE:4: stream.paths.text: no valid JMESPath: there is no"),
        ('[stream.patterns]\ntext = "a["', "FILE:4: unknown key 'stream.patterns.text'"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_by_line_and_key(tmp_path: Path, content: str, wanted: str) -> None:
    assert wanted in error_of(tmp_path, HEAD + content + "\n")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("name = \n", "FILE:1:8: it is no TOML: Invalid value"),
        ('name = "mine"\nname = "mine"\n', "FILE:2:14: it is no TOML: Cannot overwrite a value"),
        ('name = "mine"\nstart = ["mine"\n\n', "FILE:2: it is no TOML: Unclosed array"),
        ('start = ["a"]\n', "name is missing"),
        ('name = "mine"\n', "start is required: the command line of a turn"),
        (b'name = "mine"\n\n# caf\xe9\nstart = ["a"]\n', "FILE: it cannot be read: line 3 is not UTF-8"),
        ("a = " + "[" * 20_000, "FILE: it cannot be read: it is nested too deeply"),
        ("#" * 70_000, "FILE: it cannot be read: it is longer than 64 KB"),
    ],
)
def test_a_file_that_is_no_adapter_at_all(tmp_path: Path, content: str | bytes, wanted: str) -> None:
    assert wanted in error_of(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ('resume = ["mine", "{sesion}"]', "FILE:3: resume: nothing is known by {sesion}\ndid you mean {session}?"),
        ('version = ["mine", "{task}"]', "FILE:3: version: nothing is known by {task}\nknown: {cwd} {extra}"),
        ('[[permissions.edit]]\nwords = ["{promt}"]', "FILE:4: permissions.edit.words: nothing is known by {promt}"),
        ('session = "reported"\nresume = ["mine", "-c"]', 'FILE:4: resume: session is "reported", and nothing here'),
        ('session = "reported"\nresume = ["a", "{session}"]', 'FILE:3: session: it is "reported", and nothing says'),
        ('session = "chosen"', 'FILE:2: start: session is "chosen", and the agent is not told which'),
        ('resume = ["mine", "{session}"]', 'FILE:3: resume: it wants a {session}, and session is "none"'),
        ('model = ["--model"]', "FILE:3: model: {model} is missing in it"),
        ('model = ["--model={model}"]', "FILE:2: start: the words of permissions and model have no place in it"),
        ('[[permissions.edit]]\nwords = ["--yes"]', "FILE:2: start: the words of permissions and model have no place"),
        ('fork = ["mine", "x{extra}"]', "FILE:3: fork: {extra} stands for any number of words"),
        ('[stream.paths]\ntext = "text"', "FILE:3: stream.paths: expressions are tried on JSON lines"),
    ],
)
def test_values_that_do_not_go_together(tmp_path: Path, content: str, wanted: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + content + "\n")
    told = [f"{place(path, one)}: {one.words}\n{one.hint}".replace(str(path), "FILE") for one in examine(path)[1]]
    assert any(wanted in one for one in told), told


def test_the_name_has_to_be_that_of_the_file(tmp_path: Path) -> None:
    assert "FILE:1: name: an agent is found by the name of its file, which is 'other'" in error_of(
        tmp_path, HEAD, "other"
    )


def test_words_of_other_languages_stay(tmp_path: Path) -> None:
    words = ["sh", "-c", "echo ${HOME} | awk '{print}' | x '{\"a\": {}}'", "{ task }", "{}"]
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "mine"\nstart = {json.dumps(words)}\n')
    assert read(path).start == tuple(words)


def test_a_result_file_is_read_by_expressions(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nstart = ["mine", "-o", "{result_file}"]\n[stream.paths]\ntext = "text"\n')
    assert read(path).stream.paths.text == "text"


def test_all_that_is_wrong_is_told_in_the_order_of_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\nstart = [\n  "mine",  # ]\n]\nstrat = """\n[stream]\nformat = 1\n"""\n'
        '[stream]\nformat = "xml"\n[[errors]]\nkind = "x"\n'
    )
    _adapter, problems = examine(path)
    assert [place(path, problem).removeprefix(f"{path}") for problem in problems] == [":5", ":10", ":12"]
    assert f"2 more: agentloop agents show {path}" in error_of(tmp_path, path.read_text()).replace("FILE", str(path))


def test_what_is_no_file_is_told(tmp_path: Path, isolated_home: Path) -> None:
    folder = isolated_home / ".config/agentloop/agents"
    folder.mkdir(parents=True)
    (folder / "folder.toml").mkdir()
    (folder / "gone.toml").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.toml")
    _adapters, problems = registry.load_all()
    told = {"folder": "Is a directory", "gone": "No such file or directory", "pipe": "it is no file"}
    assert {name: error.message.rpartition(": ")[2] for name, error in problems.items()} == told
    for name, words in told.items():
        with pytest.raises(AdapterError, match=words):
            registry.load(name)


def test_a_file_as_an_editor_elsewhere_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert read(path).start == ("mine",)
