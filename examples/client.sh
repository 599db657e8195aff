#!/bin/sh
# Run a workflow on a Kinograph server with curl: client.sh WORKFLOW [URL]
set -eu
url=${2:-http://127.0.0.1:8188}
id=$(printf '{"workflow": %s}' "$(cat "$1")" |
    curl -sSf "$url/api/jobs" -H 'Content-Type: application/json' --data-binary @- | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
until curl -sSf "$url/api/jobs/$id/events?after=0&wait=30" | grep -q '"type":"job_finished"'; do sleep 0.2; done
curl -sSf "$url/api/jobs/$id" | grep -o '"url":"[^"]*"' | sed "s|\"url\":\"\([^\"]*\)\"|$url\1|"
