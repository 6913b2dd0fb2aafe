"""ScriptedAcpAgent: a real agent without a mind that speaks the Agent Client Protocol, also badly where told to.

    python scripted_acp_agent.py SCRIPT

SCRIPT is a JSON object. `turns` is a list of turns, the last of which is taken again when they are used up; a turn is
a list of steps. `on` says by method which steps come before the answer to another request. `offers` are the agent's
capabilities, `entered` goes into the answers that name a session. Sessions are kept in the folder SCRIPT.sessions, and
loaded with a replay. Each prompt is noted in SCRIPT.log, with all that the session was told before.

The steps: {"say": text}, {"run": command, "ask": options, "tool": fields}, {"update": object}, {"request": method,
"params": object}, {"raw": text, "times": n}, {"stderr": text}, {"sleep_s": n, "deaf": true}, {"exit": code},
{"stop": reason, "usage": object}, {"error": object}, {"mute": true}, {"child": command}.
`{draft}` in a command is the draft folder that the prompt names.
"""

import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

ALLOW = [
    {"optionId": "always", "name": "Always", "kind": "allow_always"},
    {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
    {"optionId": "no", "name": "No", "kind": "reject_once"},
]


class Agent:
    def __init__(self, script: Path) -> None:
        self.script = json.loads(script.read_text())
        self.log = script.with_suffix(".log")
        self.store = script.with_suffix(".sessions")
        self.store.mkdir(exist_ok=True)
        self.inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.later: list[dict[str, Any]] = []
        self.cancelled = threading.Event()
        self.asked = 0
        self.session = ""
        self.prompt = ""
        self.answer: dict[str, Any] | None = {}
        self.error: dict[str, Any] | None = None

    def read(self) -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if message.get("method") == "session/cancel":
                self.cancelled.set()
            else:
                self.inbox.put(message)
        self.inbox.put(None)

    def send(self, **message: Any) -> None:
        self.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")

    def write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def update(self, **update: Any) -> None:
        self.send(method="session/update", params={"sessionId": self.session, "update": update})

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        self.send(id=f"mine-{self.asked}", method=method, params=params)
        while message := self.inbox.get():
            if message.get("id") == f"mine-{self.asked}":
                return message
            self.later.append(message)
        sys.exit(0)

    def serve(self) -> None:
        threading.Thread(target=self.read, daemon=True).start()
        while message := (self.later.pop(0) if self.later else self.inbox.get()):
            if "method" in message:
                self.reply(message["method"], message.get("params") or {}, message.get("id"))

    def reply(self, method: str, params: dict[str, Any], number: Any) -> None:
        self.answer, self.error = getattr(self, method.replace("/", "_"), lambda _params: {})(params), None
        for step in self.steps(method):
            self.take(step)
        if self.error:
            self.send(id=number, error=self.error)
        elif self.answer is not None:
            self.send(id=number, result=self.answer)

    def steps(self, method: str) -> list[dict[str, Any]]:
        if method != "session/prompt":
            return list(self.script.get("on", {}).get(method, ()))
        turns = self.script["turns"]
        return list(turns[min(len(self.log.read_text().splitlines()), len(turns)) - 1])

    def initialize(self, _params: dict[str, Any]) -> dict[str, Any]:
        offers = self.script.get("offers", {"loadSession": True})
        return {"protocolVersion": 1, "agentCapabilities": offers, "agentInfo": {"name": "scripted"}}

    def session_new(self, params: dict[str, Any]) -> dict[str, Any]:
        assert Path(params["cwd"]).is_absolute()
        self.session = f"s-{uuid.uuid4()}"
        (self.store / self.session).write_text("")
        return {"sessionId": self.session, **self.script.get("entered", {})}

    def session_load(self, params: dict[str, Any]) -> dict[str, Any]:
        self.session = params["sessionId"]
        for said in map(json.loads, (self.store / self.session).read_text().splitlines()):
            self.update(sessionUpdate="user_message_chunk", content={"type": "text", "text": said})
            self.update(sessionUpdate="agent_message_chunk", content={"type": "text", "text": "REPLAYED"})
            self.update(sessionUpdate="tool_call", toolCallId="old", status="in_progress", rawInput={"command": "old"})
        return dict(self.script.get("entered", {}))

    def session_prompt(self, params: dict[str, Any]) -> dict[str, Any]:
        self.prompt = params["prompt"][0]["text"]
        self.cancelled.clear()
        kept = self.store / params["sessionId"]
        before = [json.loads(line) for line in kept.read_text().splitlines()]
        with kept.open("a") as file:
            file.write(json.dumps(self.prompt) + "\n")
        with self.log.open("a") as file:
            note = {"session": self.session, "prompt": self.prompt, "before": before, "pid": os.getpid()}
            file.write(json.dumps(note) + "\n")
        return {"stopReason": "end_turn"}

    def take(self, step: dict[str, Any]) -> None:
        if "run" in step:
            self.run(step)
        if "say" in step:
            self.update(sessionUpdate="agent_message_chunk", content={"type": "text", "text": step["say"]})
        if "update" in step:
            self.update(**step["update"])
        if "request" in step:
            self.note(self.request(step["request"], step.get("params", {})))
        for _time in range(step.get("times", 1) if "raw" in step else 0):
            self.write(step["raw"])
        if "stderr" in step:
            print(step["stderr"], file=sys.stderr, flush=True)
        self.end(step)

    def end(self, step: dict[str, Any]) -> None:
        if "child" in step:
            subprocess.Popen(step["child"], shell=True)
        if "sleep_s" in step:
            if step.get("deaf"):
                time.sleep(step["sleep_s"])
            elif self.cancelled.wait(step["sleep_s"]):
                self.answer = {"stopReason": "cancelled"}
        if "exit" in step:
            os._exit(step["exit"])
        if "stop" in step and self.answer is not None:
            self.answer["stopReason"] = step["stop"]
            self.answer.update({key: step[key] for key in ("usage", "_meta") if key in step})
        if step.get("mute"):
            self.answer = None
        self.error = step.get("error", self.error)

    def run(self, step: dict[str, Any]) -> None:
        draft = re.search(r"^Draft folder: `(.+)`", self.prompt, re.MULTILINE)
        command = step["run"].replace("{draft}", draft[1] if draft else "NO-DRAFT-FOLDER")
        self.asked += 1
        call = {"toolCallId": f"call-{self.asked}", "title": command, "kind": "execute", **step.get("tool", {})}
        given = {"rawInput": {"command": command}}
        self.update(sessionUpdate="tool_call", status="pending", rawInput={}, **call)
        if "ask" in step:
            options = step["ask"] if isinstance(step["ask"], list) else ALLOW
            asked = {"sessionId": self.session, "toolCall": {**call, **given}, "options": options}
            outcome = self.request("session/request_permission", asked)["result"]["outcome"]
            self.note(outcome)
            if outcome.get("optionId") not in ("yes", "always"):
                self.update(sessionUpdate="tool_call_update", toolCallId=call["toolCallId"], status="failed")
                return
        self.update(sessionUpdate="tool_call_update", toolCallId=call["toolCallId"], status="in_progress", **given)
        done = subprocess.run(command, shell=True, check=False, capture_output=True, text=True)
        said = [{"type": "content", "content": {"type": "text", "text": done.stdout + done.stderr}}]
        status = "failed" if done.returncode else "completed"
        self.update(sessionUpdate="tool_call_update", toolCallId=call["toolCallId"], status=status, content=said)

    def note(self, what: object) -> None:
        """Note what it was answered in SCRIPT.answers."""
        with self.log.with_suffix(".answers").open("a") as file:
            file.write(json.dumps(what) + "\n")


if __name__ == "__main__":
    Agent(Path(sys.argv[1])).serve()
