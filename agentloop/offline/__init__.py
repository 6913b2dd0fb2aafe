"""The embedded agent: a small, model-free repair agent for Python (generate and validate), and the demo's sample.

It knows nothing but typed edits. It runs the check, ranks the lines that the failing tests executed, tries one edit
after the other, and keeps an edit only when strictly fewer tests fail and none breaks. Skills reorder its list.
Run as a program of its own: `python -m agentloop.offline --session ID`, prompt on stdin, events on stdout.
"""
