"""Events for people on stderr, and the result of a run on stdout."""

from agentloop.render.figures import clock, count, size
from agentloop.render.lines import describe
from agentloop.render.live import Renderer
from agentloop.render.report import report
from agentloop.render.summary import result_object, summary
from agentloop.text.ages import ago

__all__ = ["Renderer", "ago", "clock", "count", "describe", "report", "result_object", "size", "summary"]
