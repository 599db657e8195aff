#!/bin/sh
# Run a workflow on a Kinograph server with curl: client.sh WORKFLOW [URL]
set -eu
url=${2:-http://127.0.0.1:8188}
answer=$(printf '{"workflow": %s}' "$(cat "$1")" |
    curl -sS "$url/api/jobs" -H 'Content-Type: application/json' --data-binary @-)
id=$(printf %s "$answer" | sed -n 's/^{"id":"\([0-9a-f]*\)".*/\1/p')
[ -n "$id" ] || { echo "$answer" >&2; exit 1; }
until curl -sSf "$url/api/jobs/$id/events?after=0&wait=30" | grep -q '"type":"job_finished"'; do sleep 0.2; done
curl -sSf "$url/api/jobs/$id" | grep -o '"url":"[^"]*"' | sed "s|\"url\":\"\([^\"]*\)\"|$url\1|"
