"""Settings: their order, their origins, and their errors."""

from pathlib import Path

import pytest

from agentloop import config
from agentloop.errors import ConfigError


def test_each_layer_overrides_the_one_before(tmp_path: Path) -> None:
    user = config.user_folder()
    user.mkdir(parents=True)
    (user / "agentloop.toml").write_text('agent = "codex"\nmax_attempts = 3\nmax_time = "2h"\n')
    (tmp_path / "pyproject.toml").write_text("[tool.agentloop]\nmax-attempts = 4\n")
    (tmp_path / "agentloop.toml").write_text("turn_timeout = 60\n")
    loaded = config.load(tmp_path, {"max_attempts": None, "max_cost": 2.0}, {"AGENTLOOP_MAX_ATTEMPTS": "6"})
    assert loaded.settings.agent == "codex"
    assert loaded.settings.max_attempts == 6
    assert loaded.settings.max_time == 7200
    assert loaded.settings.max_cost == 2.0
    assert loaded.origin["max_attempts"] == "AGENTLOOP_MAX_ATTEMPTS"
    assert loaded.origin["turn_timeout"] == str(tmp_path / "agentloop.toml")
    assert loaded.origin["distill"] == "default"


def test_a_wrong_key_is_named_with_its_file_and_the_near_one(tmp_path: Path) -> None:
    (tmp_path / "agentloop.toml").write_text("max_atempts = 3\n")
    with pytest.raises(ConfigError, match=r"agentloop\.toml: unknown key 'max_atempts'") as caught:
        config.load(tmp_path, {})
    assert "max_attempts" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("", ()),
        ("until = \"pytest -k 'a, b' passes\"", ("pytest -k 'a, b' passes",)),
        ('until = ["a passes", "b passes"]', ("a passes", "b passes")),
        ('until = " "', ()),
    ],
)
def test_what_must_hold_is_one_predicate_or_several(tmp_path: Path, text: str, until: tuple[str, ...]) -> None:
    (tmp_path / "agentloop.toml").write_text(text)
    assert config.load(tmp_path, {}).settings.until == until


@pytest.mark.parametrize(
    "text", ["max_time = 'soon'", "max_attempts = 0", "stuck_after = true", "distill = 'perhaps'", "x = ["]
)
def test_a_wrong_value_is_a_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "agentloop.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"agentloop\.toml"):
        config.load(tmp_path, {})


def test_the_word_none_alone_switches_a_limit_off(tmp_path: Path) -> None:
    (tmp_path / "agentloop.toml").write_text('max_cost = "none"\nmax_tokens = "none"\nmax_time = "none"\n')
    loaded = config.load(tmp_path, {"max_tokens": "2M"}).settings
    assert (loaded.max_cost, loaded.max_tokens, loaded.max_time) == (None, 2_000_000, None)
    with pytest.raises(ConfigError, match=r"command line: max_cost: '0' is no limit: write US dollars .* or none"):
        config.load(tmp_path, {"max_cost": "0"})


def test_a_variable_that_is_nearly_one_of_ours_sets_nothing_and_is_told_of() -> None:
    environment = dict.fromkeys(("AGENTLOOP_MAX_COSTS", "AGENTLOOP_MAX_ATTEMPT", "AGENTLOOP_RUN", "MAX_COSTS"), "1")
    loaded = config.load(None, {}, {**environment, "AGENTLOOP_MAX_TIME": "5m"})
    assert (loaded.settings.max_cost, loaded.settings.max_attempts) == (50.0, 10)
    assert loaded.notes == (
        "AGENTLOOP_MAX_ATTEMPT sets nothing: did you mean AGENTLOOP_MAX_ATTEMPTS?",
        "AGENTLOOP_MAX_COSTS sets nothing: did you mean AGENTLOOP_MAX_COST?",
    )


def test_settings_are_shown_as_they_are_written() -> None:
    told = {"max_time": "none", "max_cost": "none", "wait": "never", "keep_runs": "forever", "turn_timeout": "90m"}
    settings = config.load(None, told, {}).settings
    shown = settings.model_dump(mode="json")
    assert {key: shown[key] for key in told} == told
    assert (shown["max_tokens"], shown["idle_timeout"], shown["max_runs_size"]) == ("100M", "10m", "5G")
    assert config.load(None, shown, {}).settings == settings


@pytest.mark.parametrize(("ci", "told", "wait_s"), [
    ("true", {}, 0), ("1", {"wait": "2h"}, 7200), ("false", {}, 21600), ("", {}, 21600), ("", {"wait": "never"}, 0),
])  # fmt: skip
def test_in_ci_nothing_is_waited_for_unless_somebody_says_so(ci: str, told: dict[str, str], wait_s: float) -> None:
    loaded = config.load(None, told, {"CI": ci})
    assert loaded.settings.wait == wait_s
    assert ("CI" in loaded.origin["wait"]) is (ci == "true")


@pytest.mark.parametrize(
    "folder", [".", "..", "../x", "/x", "a/../b", ".git/skills", "-x", "a*", "", "a\\b", "a\nb", ":x"]
)
def test_a_folder_for_skills_that_is_none_of_the_repositorys_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ConfigError, match=r"command line: skills_dir: .*folder"):
        config.load(tmp_path, {"skills_dir": folder})


@pytest.mark.parametrize(
    ("folder", "meant"), [("a/b", "a/b"), ("./skills/", "skills"), (".claude/skills", ".claude/skills")]
)
def test_a_folder_for_skills_is_named_in_one_way(tmp_path: Path, folder: str, meant: str) -> None:
    assert config.load(tmp_path, {"skills_dir": folder}).settings.skills_dir == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("commit", ("commit", "")),
        ("outbox", ("outbox", "")),
        ("branch", ("branch", "agentloop/skills")),
        ("branch:team/skills", ("branch", "team/skills")),
        ("branch learned", ("branch", "learned")),
    ],
)
def test_where_skills_go(tmp_path: Path, text: str, meant: tuple[str, str]) -> None:
    loaded = config.load(tmp_path, {}, {"AGENTLOOP_SKILLS_TO": text})
    assert config.split_destination(loaded.settings.skills_to) == meant
    assert loaded.origin["skills_to"] == "AGENTLOOP_SKILLS_TO"


@pytest.mark.parametrize("text", ["", "nowhere", "branch:", "branch: ", "branch:a b", "commit:main", "branches"])
def test_a_place_for_skills_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"skills_to: '.*no place for skills"):
        config.load(tmp_path, {"skills_to": text})


def test_the_hook_and_the_queue_are_told_in_files_and_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "agentloop.toml").write_text('hook = {gate = "block"}\nqueue = {land = "branch:learned"}\n')
    loaded = config.load(tmp_path, {}, {"AGENTLOOP_HOOK_TIMEOUT": "5s", "AGENTLOOP_QUEUE_WORKER": "true"})
    hook, queue = loaded.settings.hook, loaded.settings.queue
    assert (hook.gate, hook.timeout) == ("block", 5.0)
    assert (queue.land, queue.worker) == ("branch:learned", True)
    assert loaded.origin["hook"] == "AGENTLOOP_HOOK_TIMEOUT"


def test_a_worker_is_the_user_s_alone_to_say(tmp_path: Path) -> None:
    (tmp_path / "agentloop.toml").write_text('queue = {land = "commit", worker = true}\n')
    loaded = config.load(tmp_path, {})
    assert (loaded.settings.queue.land, loaded.settings.queue.worker) == ("commit", False)
    assert loaded.notes == (
        f"{tmp_path / 'agentloop.toml'}: queue.worker is not used: only your own settings can say it",
    )
