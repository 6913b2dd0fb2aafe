#!/bin/sh
# Wrap an agent that agentloop does not know, in a throw-away repository.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >check.sh <<'CHECK'
got=$(sh greet.sh Ada)
[ "$got" = "Hello, Ada." ] || { echo "wanted: Hello, Ada. got: $got"; exit 1; }
CHECK
echo 'echo "Hello"' >greet.sh
git init -q
git add .
git -c user.name=example -c user.email=example@example.invalid commit -qm "A greeting that fails its check"
git config user.name example
git config user.email example@example.invalid

agentloop run --until "sh check.sh passes" \
    --session-from 'session: (\S+)' \
    --resume-with "sh $here/agent.sh --session {session}" \
    "Make greet.sh greet by name" -- sh "$here/agent.sh"

echo
git log --format='%h %s' --name-only
