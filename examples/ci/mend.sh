#!/bin/sh
# What both pipelines do, as two jobs:
#
#   mend.sh run FLAGS...      `agentloop run` with these; report, log and work are in agentloop-out/ afterwards
#   mend.sh propose BRANCH    push the work, and ask for it to be merged into BRANCH
#
# The first has the key of a model and no right to write. The second has the right and no key; it runs nothing that the
# agent has written, and takes nothing from it but commits.
set -eu

out=agentloop-out

say() {
    [ -z "${GITHUB_ACTIONS:-}" ] || printf '::warning title=agentloop::'
    printf '%s\n' "$1"
}

run() {
    rm -rf "$out"
    mkdir "$out"
    echo '*' >"$out/.gitignore"
    git config user.name >/dev/null || git config user.name agentloop
    git config user.email >/dev/null || git config user.email agentloop@example.invalid

    code=0
    agentloop run --worktree --no-input --json "$@" >"$out/result.json" || code=$?
    [ -s "$out/result.json" ] || exit "$code" # there was no run; why is said above

    result='import json, sys; run = json.load(sys.stdin); print(run["run"], (run["work"] or {}).get("branch", ""))'
    read -r name branch <<RESULT
$(python3 -c "$result" <"$out/result.json")
RESULT
    agentloop report "$name" >"$out/report.md"
    agentloop logs --json "$name" >"$out/log.ndjson"
    if [ -n "$branch" ]; then
        # What does not pass is kept for people to look at, under another name, so that it is never proposed.
        if [ "$code" = 0 ]; then bundle=work; else bundle=unfinished; fi
        git bundle create -q "$out/$bundle.bundle" "HEAD..$branch"
    fi

    case $code in
    0) ;;
    75) say "The agent is rate-limited, and nothing waits here: run this job again later." ;;
    *) say "Not mended (exit code $code): see report.md in the artifacts." ;;
    esac
    exit "$code"
}

propose() {
    if [ ! -f "$out/work.bundle" ]; then
        say "There is nothing to propose."
        return
    fi
    # The agent could write to the bundle: of what it holds, one branch of this kind is taken, and never by force.
    branch=$(git bundle list-heads "$out/work.bundle" | sed -n 's#^[0-9a-f]* refs/heads/\(agentloop/[0-9a-z-]*\)$#\1#p')
    if [ -z "$branch" ] || [ "$(printf '%s\n' "$branch" | wc -l)" -ne 1 ]; then
        say "Not proposed: agentloop-out/work.bundle does not hold one branch agentloop/RUN."
        exit 1
    fi
    git fetch -q "$out/work.bundle" "refs/heads/$branch"
    # A pipeline that the agent wrote would be run as soon as it is pushed, with what pipelines may do.
    base=$(git merge-base "origin/$1" FETCH_HEAD)
    if ! git diff --quiet "$base" FETCH_HEAD -- .github .gitlab .gitlab-ci.yml ci/mend.sh; then
        say "Not proposed: it changes the pipeline itself. Look at it: git fetch agentloop-out/work.bundle $branch"
        exit 1
    fi

    title="Mend $1"
    if [ -n "${GITLAB_CI:-}" ]; then
        git push -q -o merge_request.create -o "merge_request.target=$1" -o "merge_request.title=$title" \
            -o "merge_request.description=By agentloop; the report is in the artifacts of $CI_PIPELINE_URL" \
            "${PUSH_TO:-origin}" "FETCH_HEAD:refs/heads/$branch"
    else
        git push -q "${PUSH_TO:-origin}" "FETCH_HEAD:refs/heads/$branch"
        # GitHub refuses a text of more than 65536 characters.
        head -c 60000 "$out/report.md" | gh pr create --base "$1" --head "$branch" --title "$title" --body-file -
    fi
}

case ${1:-} in
run | propose) "$@" ;;
*)
    echo "usage: mend.sh run FLAGS... | mend.sh propose BRANCH" >&2
    exit 2
    ;;
esac
