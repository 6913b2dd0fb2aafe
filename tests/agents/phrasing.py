"""How agents hear what a scripted model says, where a call of a shell and words at the end are not how they work.

A function an agent: it takes a script and returns another one that means the same to it.
"""

from collections.abc import Callable, Sequence
from functools import partial

from .dialects import Call, Reply, Run, Say, Write
from .scripted_model import Request, Step

_DONE = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


def plainly(script: Sequence[Step]) -> list[Step]:
    """As it is written."""
    return [*script]


def mini(script: Sequence[Step]) -> list[Step]:
    """A turn ends with a command."""
    return [
        _changed(step, lambda reply: Run(_DONE, reply.text) if isinstance(reply, Say) else reply) for step in script
    ]


def gptme(script: Sequence[Step]) -> list[Step]:
    """A turn ends with a tool."""
    return [_changed(step, _completed) for step in script]


def aider(script: Sequence[Step]) -> list[Step]:
    """Words write files and end a turn; a file that they name is given to the model, which is asked again."""
    merged: list[Step] = []
    for number, step in enumerate(script):
        following = script[number + 1] if number + 1 < len(script) else None
        words = following.text if isinstance(following, Say) else ""
        if isinstance(step, Write):
            merged.append(Say(f"It is in {step.path}."))
        if not isinstance(step, Say):
            merged.append(_changed(step, partial(_listed, words)))
    return merged or [*script]


def _submitted(reply: Reply) -> Reply:
    return Run(_DONE, reply.text) if isinstance(reply, Say) else reply


def _completed(reply: Reply) -> Reply:
    return Call("complete", {}, reply.text) if isinstance(reply, Say) else reply


def _listed(words: str, reply: Reply) -> Reply:
    return Say(f"{reply.path}\n```\n{reply.text}```\n\n{words}") if isinstance(reply, Write) else reply


def _changed(step: Step, change: Callable[[Reply], Reply]) -> Step:
    if isinstance(step, Reply):
        return change(step)

    def changed(request: Request) -> Reply:
        return change(step(request))

    return changed
