#!/usr/bin/env bash
# The last step of action.yml: runs the commands that a workflow names, and writes the job's summary. Its inputs are
# variables, so that no text of a workflow becomes part of a script; COMMENT is the number of the pull request to comment
# on, or empty.
set -euo pipefail

run() { PYTHONPATH="$RUNNER_TEMP/inception-dsl" "$PYTHON" -P -m inception_dsl "$@"; }
summarise() { if [ "$SUMMARY" = true ]; then cat >>"$GITHUB_STEP_SUMMARY"; else cat >/dev/null; fi; }

# Run one command in the chosen format, and again for the summary; the exit code is the highest of all.
code=0
step() {
    local ended=0
    run "$@" --format "$FORMAT" -- $SPECS || ended=$?
    [ "$ended" -le "$code" ] || code=$ended
    if [ "$SUMMARY" = true ]; then run "$@" --format markdown -- $SPECS | summarise || true; fi
}

# Compare every changed spec with what it is at the base.
compare() {
    case "$BASE" in '' | 0000000*) echo '::notice title=inception-dsl diff::there is no base to compare with'; return ;; esac
    git fetch --quiet --no-tags --depth=1 origin "$BASE"
    local base page="$RUNNER_TEMP/inception-dsl-diff.md" file ended
    local -a options=()
    base=$(git rev-parse FETCH_HEAD)
    if [ "$BREAKING" = true ]; then options=(--breaking); fi
    printf '<!-- inception-dsl diff -->\n' >"$page"
    while IFS= read -r -d '' file; do
        case "$file" in *.yaml) ;; *) continue ;; esac
        grep -qE '^(network|extends):' -- "$file" || continue  # a file of claims
        ended=0
        run diff ${options[@]+"${options[@]}"} --format markdown -- "$file@$base" "$file" >>"$page" || ended=$?
        [ "$ended" -le "$code" ] || code=$ended
    done < <(git diff --name-only --diff-filter=M -z "$base" -- $SPECS)
    [ "$(wc -l <"$page")" -gt 1 ] || printf 'No spec differs from that of %s.\n' "$BASE" >>"$page"
    tail -n +2 "$page" | summarise
    head -c 60000 "$page" >"$page.cut"  # a comment has at most 65,536 characters
    if [ -n "$COMMENT" ]; then comment "$page.cut" || echo '::warning title=inception-dsl diff::cannot comment on the pull request'; fi
}

# Write a comment, or replace the one that an earlier run has written.
comment() {
    local path="repos/$GITHUB_REPOSITORY/issues" own='.[] | select(.body | startswith("<!-- inception-dsl diff -->")) | .id' old
    old=$(gh api --paginate "$path/$COMMENT/comments" --jq "$own") || return
    if [ -n "$old" ]; then
        gh api --method PATCH "$path/comments/${old%%$'\n'*}" --field "body=@$1" >/dev/null
    else
        gh api --method POST "$path/$COMMENT/comments" --field "body=@$1" >/dev/null
    fi
}

commands=()
while IFS= read -r command || [ -n "$command" ]; do
    command=$(echo $command)  # without blanks around it
    case "$command" in
        '') ;;
        check | claims | compile | 'compile --check' | fmt | 'fmt --check' | lint | diff) commands+=("${command%% *}") ;;
        *) echo '::error::command must be `check`, `claims`, `compile`, `fmt`, `lint` or `diff`, each on a line'; exit 2 ;;
    esac
done <<<"$COMMAND"

for command in ${commands[@]+"${commands[@]}"}; do
    case "$command" in
        compile | fmt) step "$command" --check ;;
        diff) compare ;;
        *) step "$command" ;;
    esac
done
exit "$code"
