"""Agents that speak the Agent Client Protocol over their pipes; `session` is loaded when one is driven."""
