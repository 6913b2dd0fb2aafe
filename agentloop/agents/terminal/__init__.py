"""The terminal driver: one agent that is made for people, kept alive in a terminal of its own across turns.

session.py is what the loop sees; watching.py takes a turn; live.py is the program and screen.py its screen. Pure are
settling.py (whether the agent is done), keyboard.py (how a prompt is typed) and transcript.py (what it said).
"""
