"""The built-in agent: any model that litellm knows, with a shell and an edit tool, and a session on disk.

It is a program of its own: `python -m agentloop.builtin --session ID --model NAME` (or `--resume ID`, or `--fork ID`),
prompt on stdin, JSON lines on stdout: session, text, tool, result, usage, waiting, then error or done.
"""
