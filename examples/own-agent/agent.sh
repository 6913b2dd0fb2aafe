#!/bin/sh
# A command-line agent of one's own, as small as it can be. It has what agentloop asks for: it takes a prompt, works in
# the current folder, names its session, and can be called again in that session.
#
#   agent.sh [--session ID] < prompt
set -eu

if [ "${1:-}" = --session ]; then session=$2; else session=$(date +%s)-$$; fi
echo "session: $session"
memory=${TMPDIR:-/tmp}/own-agent-$session
prompt=$(cat)
printf '%s\n' "$prompt" >>"$memory"

draft=$(printf '%s\n' "$prompt" | sed -n 's/^Draft folder: `\(.*\)`.*/\1/p' | head -n 1)
if [ -n "$draft" ]; then
    mkdir -p "$draft/greet-by-name"
    cat >"$draft/greet-by-name/SKILL.md" <<'SKILL'
---
name: greet-by-name
description: "How greetings are written here. Use when greet.sh fails its check with a wrong greeting."
---

# Greet by name

The check compares the whole line, so the punctuation counts: a comma before the name and a full stop behind it.
Look at `check.sh` before touching `greet.sh`. The greeting is right when `sh check.sh` is silent.
SKILL
    rm -f "$memory"
    echo "I wrote the skill."
elif grep -q 'wanted:' "$memory"; then
    echo 'echo "Hello, $1."' >greet.sh
    echo "The evidence names the line that is wanted; I have written it."
else
    echo 'echo "Hello $1"' >greet.sh
    echo "I made greet.sh greet by name."
fi
