"""The YAML reader of agents written for Node reads in a skill what was meant."""

import json
import os
import subprocess

import pytest

from tests.nasty_texts import as_json, documents

from .clis import NODE, YAML

pytestmark = pytest.mark.agents

READ = """
const { parse } = require("yaml");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const read = (text) => { try { return parse(text); } catch (error) { return String(error); } };
process.stdout.write(JSON.stringify(texts.map(read)));
"""


def test_it_reads_what_was_meant() -> None:
    if not YAML.folder.is_dir():
        pytest.fail("yaml is not installed: make test-agents")
    environment = {"PATH": os.pathsep.join([str(NODE.bin), "/usr/bin", "/bin"])}
    read = subprocess.run(
        ["node", "-e", READ],
        cwd=YAML.folder,
        env=environment,
        input=as_json().encode(),
        capture_output=True,
        check=True,
    )
    assert json.loads(read.stdout) == [meant for _written, meant in documents()]
