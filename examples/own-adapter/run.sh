#!/bin/sh
# Make two agents known by a file of twenty lines each, and use them in a throw-away repository.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR="$work" XDG_CONFIG_HOME="$work/config" PATH="$here:$PATH"
mkdir -p "$work/config/agentloop/agents" "$work/repository"
cp "$here/acme.toml" "$here/parrot.toml" "$work/config/agentloop/agents"
cd "$work/repository"

cat >check.sh <<'CHECK'
got=$(sh greet.sh Ada)
[ "$got" = "Hello, Ada." ] || { echo "wanted: Hello, Ada. got: $got"; exit 1; }
CHECK
echo 'echo "Hello"' >greet.sh
git init -q
git config user.name example
git config user.email example@example.invalid
git add .
git commit -qm "A greeting that fails its check"

for agent in acme parrot; do
    agentloop agents doctor "$agent"
    agentloop run --agent "$agent" --until "sh check.sh passes" "Make greet.sh greet by name"
    git checkout -q greet.sh
done

git log --format='%h %s' --name-only
