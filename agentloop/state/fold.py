"""The fold of a run's events into its state."""

from collections.abc import Iterable
from dataclasses import replace

from agentloop import events as ev
from agentloop.state import RunState
from agentloop.state.calls import with_call, with_end


def fold(events: Iterable[ev.Event], state: RunState | None = None) -> RunState:
    """Apply events in order, to an empty state or to one that was folded before."""
    state = state or RunState()
    for event in events:
        idle = isinstance(event, ev.RunResumed) or state.ended or not state.last_at or state.is_paused
        gap_s = 0.0 if idle else event.at - state.last_at
        state = replace(_apply(state, event), last_at=event.at, elapsed_s=state.elapsed_s + max(0.0, gap_s))
    return state


def _apply(state: RunState, event: ev.Event) -> RunState:
    match event:
        case ev.RunStarted():
            state = replace(state, run=event.run, job=event.job, base=event.base, began_on=event.branch)
            return replace(state, resumable=event.resumable)
        case ev.RunResumed():
            return _resumed(state, event)
        case ev.RunInterrupted() | ev.WinClaimed() | ev.WorkBroughtBack() | ev.RunEnded():
            return _concluded(state, event)
        case ev.Snapshotted() | ev.TreeFound() | ev.Checked() | ev.GuardBegan() | ev.Guarded():
            return _looked(state, event)
        case ev.TurnStarted() | ev.TurnEnded() | ev.SessionOpened() | ev.SessionLost() | ev.SessionLeft():
            return _turned(state, event)
        case ev.WaitStarted() | ev.WaitEnded():
            return _waited(state, event)
        case _:
            return _learned(_used(state, event), event)


def _concluded(
    state: RunState, event: ev.RunInterrupted | ev.WinClaimed | ev.WorkBroughtBack | ev.RunEnded
) -> RunState:
    match event:
        case ev.RunInterrupted():
            return replace(state, interrupted=event)
        case ev.WinClaimed():
            return replace(state, claim=event)
        case ev.WorkBroughtBack():
            return replace(state, brought_back=event)
        case ev.RunEnded():
            return replace(state, ended=event)


def _resumed(state: RunState, event: ev.RunResumed) -> RunState:
    cut = state.open_turn.purpose if state.open_turn else state.cut_purpose
    if state.waits_for_approval:  # what waited for a person is asked for again
        state = replace(state, checks=state.checks[:-1], checked_trees=state.checked_trees[:-1])
    raised = event.seq if state.can_be_reopened else state.raised_seq
    if event.limits is not None:
        state = replace(state, job=state.task.model_copy(update={"limits": event.limits}))
    if event.max_wait_s is not None:
        state = _waiting_so_long(state, event.max_wait_s)
    reopened = event.seq if state.ended else state.reopened_seq
    state = replace(state, reopened_seq=reopened, raised_seq=raised, interrupted=None, ended=None)
    return replace(state, open_turn=None, cut_purpose=cut)


def _waiting_so_long(state: RunState, max_wait_s: float) -> RunState:
    """With another longest wait: whether a wait that was cut off is gone on with is decided by that."""
    limits = state.task.limits.model_copy(update={"max_wait_s": max_wait_s})
    waits = state.waits if state.waits_until is None else state.waits[:-1]
    return replace(state, job=state.task.model_copy(update={"limits": limits}), waits=waits, waits_until=None)


def _waited(state: RunState, event: ev.WaitStarted | ev.WaitEnded) -> RunState:
    if isinstance(event, ev.WaitStarted):
        return replace(state, waits=(*state.waits, event), waits_until=event.until)
    return replace(state, waits_until=None)


def _looked(
    state: RunState, event: ev.Snapshotted | ev.TreeFound | ev.Checked | ev.GuardBegan | ev.Guarded
) -> RunState:
    match event:
        case ev.GuardBegan():
            return replace(state, guard_began=event)
        case ev.Snapshotted():
            return _snapshotted(state, event)
        case ev.TreeFound():
            return replace(state, found=(*(one for one in state.found if one.after != event.after), event))
        case ev.Checked():
            return _checked(state, event)
        case ev.Guarded():
            refused = 0 if event.accepted else 1
            return replace(state, guarded=event, dishonest_passes=state.dishonest_passes + refused)


def _snapshotted(state: RunState, event: ev.Snapshotted) -> RunState:
    state = replace(state, undone_to=())
    if not state.snapshots or state.snapshots[-1].n != event.n:
        return replace(state, snapshots=(*state.snapshots, event))
    snapshots = (*state.snapshots[:-1], event)
    return replace(state, snapshots=snapshots, settled=True, checked_tree=event.tree)


def _checked(state: RunState, event: ev.Checked) -> RunState:
    if event.attempt == 0:
        return replace(state, baseline=event)
    tree = state.snapshots[-1].tree if state.snapshots else ""
    state = replace(state, checked_tree=tree, settled=False, guarded=None)
    match event.role, event.verdict:
        case "confirm", "pass":
            return replace(state, confirmations=state.confirmations + 1)
        case "recheck", "pass":
            return replace(state, checked_trees=(*state.checked_trees[:-1], tree))
        case "confirm", _:
            return replace(state, checks=(*state.checks[:-1], event), flaky=True)
        case _:
            checks, trees = (*state.checks, event), (*state.checked_trees, tree)
            return replace(state, checks=checks, checked_trees=trees, confirmations=0)


def _turned(
    state: RunState, event: ev.TurnStarted | ev.TurnEnded | ev.SessionOpened | ev.SessionLost | ev.SessionLeft
) -> RunState:
    match event:
        case ev.TurnStarted():
            from_ledger = event.purpose != "work" and (state.session_lost or state.skill_from_ledger)
            state = replace(state, session_lost=False, skill_from_ledger=from_ledger)
            return replace(state, open_turn=event, turns_started=event.turn, cut_purpose=None)
        case ev.TurnEnded():
            return replace(
                state,
                open_turn=None,
                turns=(*state.turns, event),
                session=event.session or state.session,
                counters=event.counters,
            )
        case ev.SessionOpened():
            return replace(state, session=event.session, session_cwd=event.cwd or state.session_cwd)
        case ev.SessionLost() | ev.SessionLeft():
            return replace(state, session=None, session_lost=True, counters=ev.Counters())


def _used(state: RunState, event: ev.Event) -> RunState:
    purpose = state.open_turn.purpose if state.open_turn else "work"
    match event:
        case ev.ToolCalled():
            return replace(state, calls=with_call(state.calls, event, state.turns_started, purpose))
        case ev.ToolEnded():
            return replace(state, calls=with_end(state.calls, event))
        case ev.SkillLoaded():
            known = purpose != "work" or event.name in {loaded.name for loaded in state.loaded}
            return state if known else replace(state, loaded=(*state.loaded, event))
        case _:
            return state


def _decided(state: RunState, event: ev.SkillAccepted | ev.SkillRejected) -> RunState:
    if isinstance(event, ev.SkillAccepted):
        return replace(state, accepted=event)
    return replace(state, rejected=event, kept_back=None)


def _taken_back(state: RunState, event: ev.SkillTakenBack | ev.UndoBegan) -> RunState:
    if isinstance(event, ev.SkillTakenBack):
        return replace(state, taken_back=True)
    return replace(state, undone_to=(*state.undone_to, event.to))


def _learned(state: RunState, event: ev.Event) -> RunState:
    match event:
        case ev.SkillDrafted():
            return replace(state, draft=event, accepted=None)
        case ev.SkillDeclined():
            return replace(state, declined=event)
        case ev.SkillKeptBack():
            return replace(state, kept_back=event)
        case ev.SkillAccepted() | ev.SkillRejected():
            return _decided(state, event)
        case ev.SkillPublished():
            return replace(state, published=event, kept_back=None)
        case ev.SkillsLinked():
            return replace(state, linked=event)
        case ev.SkillTakenBack() | ev.UndoBegan():
            return _taken_back(state, event)
        case _:
            return state
