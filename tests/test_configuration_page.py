"""The page of all settings is the settings: keys, defaults, flags, whose they are, and their variables."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from agentloop import config
from agentloop.cli.distill import distill
from agentloop.cli.run import run

PAGE = (Path(__file__).parents[1] / "docs/configuration.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(?P<key>[a-z_.]+)` \|(?P<default>[^|]*)\|(?P<flag>[^|]*)\|(?P<meaning>.+)\|$", re.MULTILINE)
ROWS = {row["key"]: row for row in ROW.finditer(PAGE)}
TABLES = ("hook", "queue", "notify")
SAMPLES = {
    "until": "a passes", "wait": "1h", "notify.webhook": "https://localhost/", "skills_dir": "docs/skills",
    "permissions": "full", "driver": "acp", "session": "fresh", "distill": "never", "distill_in": "fork",
    "skills_to": "outbox", "guard": "off", "sandbox": "none", "hook.gate": "block", "queue.land": "commit",
}  # fmt: skip


def settings() -> dict[str, Any]:
    """Every key with its default, as it is written in a file."""
    told = config.load(None, {}, {}).settings.model_dump(mode="json")
    inner = {f"{table}.{key}": value for table in TABLES for key, value in told.pop(table).items()}
    return {**told, **inner}


def test_each_key_is_there_with_its_default() -> None:
    shown = {key: row["default"].strip(" `") for key, row in ROWS.items()}
    assert shown == {key: _written(value) for key, value in settings().items()}


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, int) else ""


def test_each_flag_is_there() -> None:
    flags = {
        param.name: param.opts[0]
        for command in (distill, run)
        for param in command.params
        if isinstance(param, click.Option) and param.name in settings()
    }
    assert {key: row["flag"].strip(" `") for key, row in ROWS.items() if row["flag"].strip()} == flags


def test_whose_a_key_is_is_said() -> None:
    alone = {key for key in settings() if {key, key.partition(".")[0]} & {*config.USERS_ALONE}}
    assert {key for key, row in ROWS.items() if "*yours alone*" in row["meaning"]} == alone


@pytest.mark.parametrize("key", sorted(settings().keys() - {"checks", "metrics"}))
def test_each_has_its_variable(key: str) -> None:
    table, _dot, inner = key.rpartition(".")
    default = settings()[key]
    value = SAMPLES.get(key) or {"false": "true", "true": "false"}.get(json.dumps(default), "7")
    name = f"AGENTLOOP_{key.replace('.', '_').upper()}"
    loaded = config.load(None, {}, {name: value})
    shown = loaded.settings.model_dump(mode="json")
    assert loaded.origin[table or key] == name
    assert (shown[table][inner] if table else shown[key]) != default
