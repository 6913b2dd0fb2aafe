"""Events for people on stderr, and the result of a run on stdout."""

from agentloop.render.figures import clock, count, size
from agentloop.render.lines import describe
from agentloop.render.live import Renderer
from agentloop.render.summary import result_object, summary

__all__ = ["Renderer", "clock", "count", "describe", "result_object", "size", "summary"]
