"""Command lines of known agents, read as these read them."""

from typing import Any

import pytest

from agentloop.agents import commandline, registry
from agentloop.agents.spec import Adapter
from agentloop.errors import UsageError

EDITS = ("--permission-mode", "acceptEdits")
BASH = ("--allowedTools=Bash",)
SANDBOX = ("-s", "workspace-write")


def split(line: str, *more: str) -> tuple[str, tuple[str, ...]]:
    name, *words = line.split()
    return commandline.split_task(registry.load(name), [*words, *more])


@pytest.mark.parametrize(
    ("line", "more", "task", "rest"),
    [
        ("claude", ("fix it",), "fix it", ()),
        ("claude -p", ("fix it", "--model", "opus"), "fix it", ("-p", "--model", "opus")),
        ("claude --append-system-prompt", ("be very nice",), "", ("--append-system-prompt", "be very nice")),
        ("claude --append-system-prompt", ("- be nice", "fix it"), "fix it", ("--append-system-prompt", "- be nice")),
        ("claude --append-system-prompt=x", ("fix it",), "fix it", ("--append-system-prompt=x",)),
        ("claude --allowedTools", ("Bash(git *)", "Edit"), "", ("--allowedTools", "Bash(git *)", "Edit")),
        ("claude --allowedTools Edit --model o", ("fix it",), "fix it", ("--allowedTools", "Edit", "--model", "o")),
        ("claude --debug --model opus", (), "", ("--debug", "--model", "opus")),
        ("claude --debug -- ", ("--fix it",), "--fix it", ("--debug",)),
        ("codex exec -m gpt", ("fix it",), "fix it", ("exec", "-m", "gpt")),
        ("codex -mgpt exec", ("fix it",), "fix it", ("-mgpt", "exec")),
        ("codex exec --json -", (), "", ("exec", "--json", "-")),
    ],
)
def test_the_task_is_what_the_agent_would_take_for_its_prompt(
    line: str, more: tuple[str, ...], task: str, rest: tuple[str, ...]
) -> None:
    assert split(line, *more) == (task, rest)


@pytest.mark.parametrize(
    "line", ["claude fix", "claude doctor", "claude --new-flag value", "codex exec fix", "codex mcp"]
)
def test_a_word_that_nobody_would_understand_is_an_error(line: str) -> None:
    with pytest.raises(UsageError, match="cannot be passed on") as caught:
        split(line)
    assert "the task goes before --" in caught.value.hint
    assert "--flag=value" in caught.value.hint


def test_a_word_beside_the_task_is_an_error() -> None:
    with pytest.raises(UsageError, match="'quickly' cannot be passed on to Claude Code"):
        split("claude quickly", "fix it")


@pytest.mark.parametrize(
    "line",
    [
        *(f"claude {flag}" for flag in ("--bg", "-w", "--worktree=x", "--from-pr 3", "--teleport", "-pc", "-r id")),
        *(f"claude {flag}" for flag in ("--no-session-persistence", "--resume=1", "--output-format json")),
        *(
            f"codex exec {flag}"
            for flag in ("--ephemeral", "--worktree", "-C /tmp", "-C/tmp", "--cd=/tmp", "resume id")
        ),
    ],
)
def test_what_only_agentloop_can_say_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="cannot be given to"):
        split(line)
    name, *words = line.split()
    with pytest.raises(UsageError, match="cannot be given to"):
        commandline.passed_on(registry.load(name), words)


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("claude", (*EDITS, *BASH)),
        ("claude --verbose -p --model opus", (*EDITS, *BASH, "--model", "opus")),
        ("claude --allowedTools Edit Read", (*EDITS, "--allowedTools", "Edit", "Read")),
        ("claude --allowed-tools=Edit", (*EDITS, "--allowed-tools=Edit")),
        ("claude --permission-mode plan", ("--permission-mode", "plan")),
        ("claude --dangerously-skip-permissions", ("--dangerously-skip-permissions",)),
        ("codex", SANDBOX),
        ("codex exec --json -m gpt", (*SANDBOX, "-m", "gpt")),
        ("codex exec -s read-only", ("-s", "read-only")),
        ("codex exec -sread-only", ("-sread-only",)),
        ("codex exec --sandbox=read-only", ("--sandbox=read-only",)),
        ("codex exec --approve-for-me", ("--approve-for-me",)),
        ("codex exec -c sandbox_mode=read-only", ("-c", "sandbox_mode=read-only")),
        ("codex exec --config=sandbox_mode=read-only", ("--config=sandbox_mode=read-only",)),
        ("codex exec -c model=x", (*SANDBOX, "-c", "model=x")),
    ],
)
def test_the_users_permissions_take_the_place_of_ours(line: str, flags: tuple[str, ...]) -> None:
    name, *words = line.split()
    assert commandline.passed_on(registry.load(name), words).words == flags


@pytest.mark.parametrize("placeholder", ["{prompt}", "{prompt_file}", "{session}"])
def test_a_known_agent_gets_no_placeholder_for_a_word(placeholder: str) -> None:
    with pytest.raises(UsageError, match="has no place in a command line of a: where it goes is known"):
        commandline.refuse_places(Adapter(name="a", start=("a",)), ("-x", placeholder))


def test_an_agent_whose_flags_are_not_known_gets_its_words_in_their_order() -> None:
    words = ("--a", "x", "-b", "y", "z")
    assert commandline.passed_on(Adapter(name="a", start=("a",)), words).words == words


MODES: dict[str, Any] = {
    "name": "a",
    "start": ["a"],
    "model": ["--model={model}"],
    "permissions": {
        "edit": [{"words": ["--edit"], "unless": ["--edit", "--all"]}, {"environment": {"A": "edit"}}],
        "full": [{"words": ["--all"], "unless": ["--edit", "--all"], "environment": {"A": "all"}}],
    },
}


def test_an_agent_gets_the_mode_that_was_asked_for_and_else_the_narrowest_that_can_work() -> None:
    adapter = Adapter.model_validate(MODES)
    by_default = commandline.passed_on(adapter, ())
    assert (by_default.words, by_default.environment) == (("--edit",), {"A": "edit"})
    full = commandline.passed_on(adapter, ("--x",), permissions="full", model="m")
    assert (full.words, full.environment) == (("--model=m", "--all", "--x"), {"A": "all"})
    own = commandline.passed_on(adapter, ("--all", "--model", "mine"), permissions="edit", model="m")
    assert (own.words, own.environment) == (("--all", "--model", "mine"), {"A": "edit"})


def test_an_agent_without_a_model_of_its_own_wants_one_and_one_that_can_is_told_the_limit_of_cost() -> None:
    adapter = Adapter.model_validate({**MODES, "needs_model": True, "max_cost": ["--cost", "{max_cost}"]})
    with pytest.raises(UsageError, match="wants a model") as caught:
        commandline.passed_on(adapter, ())
    assert "--model" in caught.value.hint
    told = commandline.passed_on(adapter, (), model="m", max_cost_usd=0.5)
    assert told.words == ("--model=m", "--cost", "0.5", "--edit")
    assert commandline.passed_on(adapter, ("--cost=1",), model="m", max_cost_usd=0.5).words[-1] == "--cost=1"


def test_a_mode_or_a_model_that_the_agent_cannot_be_told_is_an_error() -> None:
    with pytest.raises(UsageError, match="no permission mode 'read'") as caught:
        commandline.passed_on(Adapter.model_validate(MODES), (), permissions="read")
    assert "it has: edit, full" in caught.value.hint
    unknown = Adapter(name="b", start=("b",))
    assert commandline.passed_on(unknown, ()).words == ()
    with pytest.raises(UsageError, match="no permission mode"):
        commandline.passed_on(unknown, (), permissions="edit")
    with pytest.raises(UsageError, match="cannot be told a model"):
        commandline.passed_on(unknown, (), model="m")


@pytest.mark.parametrize(
    ("line", "more", "kept"),
    [
        ("claude --model opus --settings s.json", ("fix it",), ("--model", "opus", "--settings", "s.json")),
        ("claude --continue --model=opus -r", ("x",), ("--model=opus",)),
        ("claude --dangerously-skip-permissions --permission-mode plan --allowedTools Edit", (), ()),
        ("claude --add-dir ../a ../b --verbose --nobody-knows-this", (), ("--add-dir", "../a", "../b")),
        ("codex -m o3 --search -a never -c model_provider=p", (), ("-m", "o3", "-c", "model_provider=p")),
        ("codex -s danger-full-access -c sandbox_mode=danger", ("resume", "last"), ()),
        ("claude mcp list", (), ()),
    ],
)
def test_of_a_persons_own_command_line_what_has_a_value_is_carried_over(
    line: str, more: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    name, *words = line.split()
    adapter = registry.load(name)
    assert commandline.carried_over(adapter, [*words, *more]) == kept
    commandline.passed_on(adapter, kept)
