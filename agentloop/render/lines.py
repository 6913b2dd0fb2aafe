"""One event as a line for people."""

import time

from rich.markup import escape

from agentloop import events as ev
from agentloop.render.figures import clock, count, moment, used
from agentloop.text.quoting import plain

_MARK = {"pass": "[green]pass[/]", "fail": "[red]fail[/]", "error": "[yellow]error[/]"}


def describe(event: ev.Event) -> str:
    """One event as a line of rich markup; empty for what is not worth a line."""
    return plain(_described(event))


def _described(event: ev.Event) -> str:
    match event:
        case ev.RunStarted():
            until = " and ".join(f"`{source}`" for source in event.job.until)
            line = f"run {event.run} · {event.job.agent} · until {until}"
            if not event.resumable and not event.job.by_hand:
                line += "\nthis agent has no session to return to: each turn gets the run's own ledger instead"
            return escape(line)
        case ev.RunResumed():
            left = f", ended {count(len(event.killed), 'left-over program')}" if event.killed else ""
            return f"run resumed{left}"
        case ev.RunInterrupted():
            return f"interrupted by {event.signal}"
        case ev.Checked():
            return _checked(event)
        case ev.Guarded():
            return _guarded(event)
        case ev.RunEnded():
            return ""
        case _:
            return _turn(event) or _skill(event) or _work(event)


def _work(event: ev.Event) -> str:
    match event:
        case ev.TreeFound():
            return f"changed by others since it was left: {count(event.files, 'file')}, which undo leaves alone"
        case ev.WorkBroughtBack(branch=""):
            return "work: nothing was changed"
        case ev.WorkBroughtBack():
            return escape(f"work brought back: the branch {event.branch} ({event.commit[:10]})")
        case _:
            return ""


def _checked(event: ev.Checked) -> str:
    label = "check before the first turn" if event.attempt == 0 else f"attempt {event.attempt}"
    label = "the tree of the start" if event.role == "start" else label
    label += {"confirm": ", once more", "recheck": ", again after the skill's turn"}.get(event.role, "")
    reasons = "; ".join(f"{leaf.source}: {leaf.reason}" for leaf in event.leaves if leaf.verdict != "pass")
    detail = f" · {escape(reasons)}" if reasons else ""
    how = f"{event.duration_s:.1f} s"
    if event.remembered_from:
        how = f"as on {time.strftime('%F %T', time.localtime(event.remembered_from))}, nothing has changed"
    return f"{label}: {_MARK[event.verdict]}{detail} ({how})"


def _guarded(event: ev.Guarded) -> str:
    how = ", the check replayed with the protected files restored" if event.replayed else ""
    word = "[green]honest[/]" if not event.problems else "[yellow]doubtful[/]" if event.accepted else "[red]refused[/]"
    lines = [f"guard: {word}{how} ({event.duration_s:.1f} s)"]
    lines += [escape(f"  - {line}") for line in (*event.problems, *event.notes)]
    return "\n".join(lines)


def _turn(event: ev.Event) -> str:
    match event:
        case ev.TurnStarted(prompt=""):
            return f"turn {event.turn}: yours"
        case ev.TurnStarted():
            what = {
                "work": "prompting the agent",
                "distill": "asking for the skill",
                "repair": "asking for repairs",
            }
            how = "in the same session" if event.goes_on else "in a new session"
            return f"turn {event.turn}: {what[event.purpose]}, {how}"
        case ev.ToolCalled():
            return escape(f"  · {event.name}: {event.detail}" if event.detail else f"  · {event.name}")
        case ev.AgentWaited():
            return escape(f"  · the agent waits: {event.reason}")
        case ev.TurnEnded():
            state = "done" if event.status == "done" else f"{event.status}: {event.error}"
            denied = f"\n  the agent was denied: {', '.join(event.denied)} (--permissions full)" if event.denied else ""
            return escape(f"  {state} after {clock(event.duration_s)} · {used(event.usage)}{denied}")
        case _:
            return _between(event)


def _between(event: ev.Event) -> str:
    match event:
        case ev.SessionLost():
            return escape(f"the session is lost ({event.reason}): a new one gets the run's ledger")
        case ev.SessionLeft():
            return escape(f"the session is left ({event.reason}): a new one gets the run's ledger")
        case ev.WaitStarted():
            return escape(f"  waiting until {moment(event.until)} ({clock(event.until - event.at)}): {event.reason}")
        case _:
            return ""


def _skill(event: ev.Event) -> str:
    match event:
        case ev.SkillDeclined():
            return escape(f"no skill: {event.reason}")
        case ev.SkillDrafted():
            found = f": {count(len(event.findings), 'finding')}" if event.findings else ", nothing to complain about"
            lines = [f"draft {event.name}{found}", *(f"  - {finding}" for finding in event.findings)]
            return escape("\n".join(lines))
        case ev.SkillKeptBack():
            return escape(f"skill kept back: {event.reason}")
        case ev.SkillPublished():
            where = f" on {event.branch}" if event.branch else ""
            said = f"skill committed: {event.paths[0] if event.paths else event.name} ({event.commit[:10]}{where})"
            return escape("\n".join(filter(None, [said, event.note])))
        case ev.SkillsLinked(paths=paths, problem=problem) if paths:
            said = f"skills linked for agents: {', '.join(paths)}"
            return escape("\n".join(filter(None, [said, problem])))
        case ev.SkillsLinked(problem=problem) if problem:
            return escape(f"skills not linked: {problem}")
        case ev.SkillAccepted() | ev.SkillRejected() | ev.UndoBegan():
            return _decided(event)
        case _:
            return ""


def _decided(event: ev.SkillAccepted | ev.SkillRejected | ev.UndoBegan) -> str:
    if isinstance(event, ev.UndoBegan):
        return f"the files are taken back to snapshot {event.to}"
    if isinstance(event, ev.SkillAccepted):
        return f"draft accepted{', as edited' if event.edited else ''}"
    return escape(f"draft rejected: {event.reason}")
