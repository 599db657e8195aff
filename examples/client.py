"""Run a workflow on a Kinograph server and say where the results are: python client.py WORKFLOW [URL]."""

import json
import sys
import urllib.request
from pathlib import Path

url = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8188"


def call(path, body=None):
    """One request; JSON in, JSON out."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))


workflow = json.loads(Path(sys.argv[1]).read_text())
job = call("/api/jobs", {"workflow": workflow})["id"]
after, ended = 0, False
while not ended:
    news = call(f"/api/jobs/{job}/events?after={after}&wait=30")
    after, ended = news["n"], any(event["type"] == "job_finished" for event in news["events"])
print(call(f"/api/jobs/{job}")["state"], *(url + file["url"] for file in call(f"/api/jobs/{job}")["outputs"]))
