"""Run a workflow on a Kinograph server and say where the results are: python client.py WORKFLOW [URL]."""

import json
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

url = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8188"


def call(path, body=None):
    """One request; JSON in, JSON out."""
    data = None if body is None else json.dumps(body).encode()
    return json.load(urlopen(Request(url + path, data, {"Content-Type": "application/json"})))


try:
    job, after, state = call("/api/jobs", {"workflow": json.loads(Path(sys.argv[1]).read_text())})["id"], 0, ""
except HTTPError as error:
    sys.exit(error.read().decode())  # says every mistake
while not state:
    news = call(f"/api/jobs/{job}/events?after={after}&wait=30")
    after, state = news["n"], "".join(event["state"] for event in news["events"] if event["type"] == "job_finished")
print(state, *(url + file["url"] for file in call(f"/api/jobs/{job}")["outputs"]))
