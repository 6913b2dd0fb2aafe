"""The files that a headless agent is told of: one for its session, a folder for what it leaves."""

from pathlib import Path

from agentloop.agents.headless import HeadlessSession
from agentloop.agents.session import Turn
from agentloop.agents.spec import Adapter

AGENT = """
cat >> "$1"
echo '{"outcome": "well", "said": "'"$(tr '\\n' ' ' < "$1")"'"}' > "$2/outcome.json"
echo '{"tokens": 5}' > "$2/usage.json"
echo 'no document' > "$2/notes.txt"
exit ${3:-0}
"""


def session(folder: Path, **more: object) -> HeadlessSession:
    script = folder / "agent.sh"
    script.write_text(AGENT)
    words = ("sh", str(script), "{session_file}", "{result_folder}", "{extra}")
    paths = {"text": "said", "input_tokens": "tokens", **({"finished": "outcome"} if more.get("finished") else {})}
    stream = {"format": "jsonl", "paths": paths}
    adapter = Adapter.model_validate(
        {"name": "scripted", "session": "chosen", "start": words, "resume": words, "stream": stream}
    )
    return HeadlessSession(adapter, "sh", tuple(str(more.get("code", "")).split()), "run", folder)


def send(to: HeadlessSession, prompt: str, folder: Path) -> Turn:
    return to.send(prompt, log=folder / "log", timeout_s=30, idle_timeout_s=30, emit=lambda _event: None)


def test_a_session_is_kept_in_a_file_outside_of_the_tree(tmp_path: Path, isolated_home: Path) -> None:
    mine = session(tmp_path)
    assert send(mine, "First.\n", tmp_path).text == "First. "
    assert send(mine, "Second.\n", tmp_path).text == "First. Second. "
    assert mine.remembers
    another = session(tmp_path)
    assert send(another, "Third.\n", tmp_path).text == "Third. "
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent.sh", "log"]
    kept = [path for path in isolated_home.rglob("agentloop/sessions/**/*") if path.is_file()]
    assert sorted(path.name for path in kept) == sorted([str(mine.id), str(another.id)])


def test_the_documents_in_the_folder_are_read_after_the_end(tmp_path: Path) -> None:
    assert send(session(tmp_path), "Go.", tmp_path).usage.input_tokens == 5


def test_the_exit_code_counts_where_nothing_says_that_a_turn_has_ended(tmp_path: Path) -> None:
    assert send(session(tmp_path, code=3), "Go.", tmp_path).status == "failed"
    assert send(session(tmp_path, code=3, finished=True), "Go.", tmp_path).status == "done"
