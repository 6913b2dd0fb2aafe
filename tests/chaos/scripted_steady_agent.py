"""ScriptedSteadyAgent: a real command-line agent whose every act follows from its prompt and its session's file.

    python scripted_steady_agent.py SESSIONS [--resume ID]     (the prompt on stdin)

No clock, no count of its calls: asked the same in the same session it does the same again, so that a run that was
killed and resumed can be held against one that was not. SESSIONS is the folder of its sessions, a file each; it goes
on in one that is there and fails with `no session` where it is not.

Its work goes wrong in every way that a run knows: a wrong count, then a check that was edited, then the right count;
a draft with a finding, then the mended one.
"""

import itertools
import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

CHECK = 'read n < count\nif [ "$n" != 3 ]; then echo "the count is $n"; exit 1; fi\n'
SKILL = """---
name: keep-counting
description: "How the counter is kept. Use when the check says that the count is wrong."
---

# Keep counting

The file `count` holds one number. Check it with `sh check.sh`.
"""


def main() -> int:
    sessions = Path(sys.argv[1])
    prompt = sys.stdin.read()
    session = sys.argv[3] if sys.argv[2:3] == ["--resume"] else ""
    if session and not (sessions / session).exists():
        say(type="error", message=f"no session {session}")
        return 1
    session = session or _opened(sessions)
    say(type="session", id=session)
    command = act(prompt)
    say(type="tool", call="c", name="Bash", command=command)
    os.system(command)
    say(type="result", call="c", failed=False)
    with (sessions / session).open("a") as file:
        file.write(command + "\n")
    say(type="done", text="done", cost=0.25)
    return 0


def _opened(sessions: Path) -> str:
    sessions.mkdir(exist_ok=True)
    for number in itertools.count(1):
        with suppress(FileExistsError):
            (sessions / f"s-{number}").touch(exist_ok=False)
            return f"s-{number}"
    raise AssertionError


def act(prompt: str) -> str:
    draft = re.search(r"^Draft folder: `(.+)`", prompt, re.MULTILINE)
    if draft:
        mended = "Mend exactly these findings" in prompt
        text = SKILL if mended else SKILL.replace("name: keep-counting", "name: Keep_Counting")
        return f"mkdir -p {draft[1]}/keep-counting; printf '%s' '{text}' > {draft[1]}/keep-counting/SKILL.md"
    if "Put these back as they were at the start" in prompt:
        return f"printf '%s' '{CHECK}' > check.sh; echo 3 > count"
    counts = re.findall(r"the count is (\d+)", prompt)
    return "echo 'exit 0' > check.sh" if counts[-1:] == ["2"] else "echo 2 > count"


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    sys.exit(main())
