"""The state of a run: a fold over its events; and the steps that the decision answers with."""

from agentloop.state.run_state import RunState

__all__ = ["RunState"]
