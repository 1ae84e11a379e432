"""What once dies frozen, in a process that does more than serve the app, costs no unfrozen measurement."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SCRIPT = """
import json
from pytest_reqleak import Request, measure
from pytest_reqleak.agent.agent import Agent

asked, set_collection = [], Agent.set_collection

def record(agent, **wanted):
    asked.append(wanted)
    set_collection(agent, **wanted)

Agent.set_collection = record

def ring():
    cell = []
    cell.append(cell)
    return cell

others = [ring() for _ in range(3000)]
kept, calls = [], 0

async def app(scope, receive, send):
    global calls
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    calls += 1
    kept.append([calls])
    if calls == 300:
        others.clear()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})

run = measure(app, [Request("GET", "/")], iterations=400, warmup=100, batches=20, server="direct")
print(json.dumps([run.verdict, asked]))
"""


def test_a_leak_is_measured_frozen_though_something_else_died_once():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert "" == done.stderr
    assert ["leak", []] == json.loads(done.stdout)
