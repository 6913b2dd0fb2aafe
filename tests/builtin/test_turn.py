"""A turn: a real litellm, real tools, a scripted model on loopback."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop.agents import registry
from agentloop.agents.stream import StreamReader
from agentloop.builtin import turn
from agentloop.events import Event, SkillLoaded, ToolCalled, ToolEnded
from agentloop.models import ModelError
from tests.agents.dialects import USAGE_IN, USAGE_OUT, Call, Fail, Run, Say

from .conftest import Desk

Make = Callable[..., Desk]


def skill(root: Path, folder: str, name: str, description: str) -> None:
    (root / folder / name).mkdir(parents=True)
    (root / folder / name / "SKILL.md").write_text(f"---\nname: {name}\ndescription: {description}\n---\n\nText.\n")


def test_tools_are_called_until_the_model_has_done(desk: Make) -> None:
    there = desk(Run("echo 1 > one"), Call("edit", {"path": "two", "old": "", "new": "2"}), Say("Both are there."))
    assert there.take("Make two files") == "Both are there."
    assert sorted(path.name for path in there.root.iterdir()) == ["one", "two"]
    kinds = [event["type"] for event in there.events]
    assert kinds == ["usage", "tool", "result", "usage", "tool", "result", "usage", "text"]
    assert there.events[-2] == {
        "type": "usage", "model": "openai/scripted", "input_tokens": 3 * USAGE_IN, "output_tokens": 3 * USAGE_OUT,
        "cost_usd": None,
    }  # fmt: skip
    last = there.server.main[-1].conversation
    for words in ("Make two files", "echo 1 > one", "created two"):
        assert words in last


def test_what_the_model_gets_wrong_goes_back_to_it_and_it_goes_on(desk: Make) -> None:
    there = desk(Call("browse", {"url": "x"}), Call("shell", {"cmd": "ls"}), Run("exit 4"), Say("I give up."))
    assert there.take("Do it") == "I give up."
    unknown, malformed, failed = there.results()
    assert "there is no tool 'browse'" in unknown
    assert "command: Field required" in malformed
    assert failed == "exit code 4\n"
    assert [event["failed"] for event in there.events if event["type"] == "result"] == [True] * 3


def test_the_steps_of_a_turn_are_limited_and_the_next_turn_goes_on(desk: Make) -> None:
    there = desk(Run("true"), Run("true"), Say("Done."))
    assert there.take("Do it", max_steps=2) == "I stopped: the limit of 2 steps is reached"
    assert len(there.server.requests) == 2
    assert there.take("Go on", max_steps=2) == "Done."
    assert "Do it" in there.server.main[-1].conversation


def test_the_cost_of_a_turn_is_limited(desk: Make) -> None:
    there = desk(Run("true"), model="anthropic/claude-sonnet-4-5")
    cost_usd = USAGE_IN * 3e-6 + USAGE_OUT * 15e-6
    assert there.take("Do it", max_cost_usd=1.5 * cost_usd).startswith("I stopped: the turn has cost $0.0008")
    assert len(there.server.requests) == 2
    costs = [event["cost_usd"] for event in there.events if event["type"] == "usage"]
    assert costs == pytest.approx([cost_usd, 2 * cost_usd])


def test_a_full_context_is_told_as_such_and_the_session_stays_whole(desk: Make) -> None:
    full = Fail(400, "This model's maximum context length is 8192 tokens. Your messages had 9000")
    there = desk(Run("true"), full, Say("Done."))
    with pytest.raises(ModelError) as caught:
        there.take("Do it")
    assert caught.value.kind == "context"
    assert [message["role"] for message in there.session.messages] == ["user", "assistant", "tool"]
    assert there.take("Go on") == "Done."


def test_a_wait_for_the_model_is_told(desk: Make) -> None:
    there = desk(Fail(503), Say("Done."))
    assert there.take("Do it") == "Done."
    (waiting,) = [event for event in there.events if event["type"] == "waiting"]
    assert waiting["reason"].startswith("asking the model again in")


def test_skills_of_the_tree_are_listed_each_once_and_as_data(desk: Make) -> None:
    there = desk(Say("Done."))
    skill(there.root, "skills", "mend-ages", "Ages. Use when ages are wrong.")
    skill(there.root, ".agents/skills", "other", "Other things.\n  And\u202e more.")
    (there.root / ".claude").mkdir()
    (there.root / ".claude/skills").symlink_to("../skills")
    (there.root / "skills/broken").mkdir()
    (there.root / "skills/broken/SKILL.md").write_text("no frontmatter")
    there.take("Do it")
    system = there.server.main[0].texts[0][1]
    assert system.count("- mend-ages: Ages. Use when ages are wrong.") == 1
    assert "- other: Other things. And<U+202E> more. (`.agents/skills/other/SKILL.md`)" in system
    assert "broken" not in system


def test_a_library_of_any_size_fits_in(tmp_path: Path) -> None:
    for number in range(100):
        skill(tmp_path, "skills", f"s{number:03}", "x" * 1000)
    system = turn.system_prompt(tmp_path, "edit")
    assert len(system) < 40_000
    assert "and 40 more in " in system


def test_without_skills_and_with_a_folder_that_leads_out(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    skill(tmp_path, "private", "secret", "A secret.")
    (tmp_path / "tree/skills").symlink_to(tmp_path / "private")
    assert "(there are none)" in turn.system_prompt(tmp_path / "tree", "read")


def test_the_adapter_reads_what_the_program_prints(desk: Make) -> None:
    there = desk(Run("cat skills/mend-ages/SKILL.md"), Say("Done."))
    there.take("Do it")
    seen: list[Event] = []
    adapter = registry.load("builtin")
    reader = StreamReader(adapter.stream, seen.append)
    lines = [{"type": "session", "id": "a-session"}, *there.events, {"type": "done", "text": "Done."}]
    for line in lines:
        reader.feed(json.dumps(line).encode() + b"\n")
    assert (reader.session, reader.text, reader.finished, reader.error) == ("a-session", "Done.", True, "")
    kinds = {type(event): event for event in seen}
    called, ended, loaded = kinds[ToolCalled], kinds[ToolEnded], kinds[SkillLoaded]
    assert isinstance(called, ToolCalled)
    assert isinstance(ended, ToolEnded)
    assert called.command == "cat skills/mend-ages/SKILL.md"
    assert (ended.call, ended.failed) == (called.call, True)
    assert loaded == SkillLoaded(name="mend-ages")
    reader.feed(b'{"type": "error", "message": "it is full", "kind": "context", "reset": null}\n')
    known = adapter.classify(reader.error, reader.status)
    assert known
    assert known.kind == "context"
