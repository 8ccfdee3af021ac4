"""Faults under load, behind an edge that retries: `run.py PROGRAM rolling|kills [--json]`.

rolling  each node is stopped in order and started again, one after the other, while callers ask and streams run.
kills    nodes are killed (kill -9) at random; the edge asks another node where one gave no answer.

Prints how every call ended, and what the record says of them: each call has one end, and none is charged twice.
"""

import argparse
import asyncio
import collections
import json
import random
import shutil
import sys
import time

from load import Load
from stage import Cell, Provider


def say(text):
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


async def rolling(cell, args):
    for at in range(args.times):
        node = cell.nodes[at % len(cell.nodes)]
        say(f"restart {at + 1} of {args.times}: {node.name}")
        code = await node.restart()
        if code:
            raise SystemExit(f"{node.name} did not stop in order: {code}")
        # Until the edge has noticed that it is back.
        await asyncio.sleep(1)


async def kills(cell, args):
    chance = random.Random(args.seed)
    for at in range(args.times):
        node = chance.choice(cell.nodes)
        say(f"kill {at + 1} of {args.times}: {node.name}")
        node.kill()
        await asyncio.sleep(chance.uniform(0, 0.5))
        node.start()
        await node.ready()
        await asyncio.sleep(chance.uniform(0.2, 1.0))


async def judged(cell, load):
    """What the record says of the calls, once those of the dead are closed."""
    count = "SELECT action, resource_id FROM audit_event WHERE action LIKE 'gateway.call.%'"
    until = time.monotonic() + 40
    while True:
        begun, ended = collections.Counter(), collections.Counter()
        for line in cell.of_record(count).splitlines():
            action, call = line.split("|")
            if action == "gateway.call.started":
                begun[call] += 1
            elif action == "gateway.call.ended":
                ended[call] += 1
        open_calls = [call for call in begun if call not in ended]
        if not open_calls or time.monotonic() > until:
            break
        await asyncio.sleep(1)
    missing = [receipt for receipt in load.receipts if receipt not in begun]
    gaps = cell.of_record("SELECT COUNT(*) - MAX(seq) - 1 FROM audit_event")
    return {
        "calls": len(begun), "open": len(open_calls), "endedTwice": sum(1 for n in ended.values() if n > 1),
        "answeredAndNotRecorded": len(missing), "gaps": int(gaps),
    }


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("fault", choices=["rolling", "kills"])
    parser.add_argument("--times", type=int, default=6)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--singles", type=int, default=8)
    parser.add_argument("--streams", type=int, default=12)
    parser.add_argument("--stream-secs", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for tool in ["haproxy", "redis-server"]:
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is not installed (apt-get install {tool})")
    cell = Cell(args.program, Provider(int(args.stream_secs * 5), 0.2), args.nodes)
    try:
        await cell.start()
        load = Load(cell.edge_port, cell.key)
        load.start(args.singles, args.streams)
        await asyncio.sleep(2)
        began = time.monotonic()
        await (rolling if args.fault == "rolling" else kills)(cell, args)
        took = time.monotonic() - began
        await asyncio.sleep(1)
        await load.stop()
        told = {
            "fault": args.fault, "times": args.times, "seconds": round(took), "nodes": args.nodes,
            "answers": dict(load.ended[False]), "streams": dict(load.ended[True]),
            "record": await judged(cell, load), "oddities": collections.Counter(load.oddities).most_common(3),
        }
    finally:
        cell.stop()
    if args.json:
        print(json.dumps(told))
        return
    print(f"{told['fault']}, {told['times']} times in {told['seconds']} s, {told['nodes']} nodes")
    for what in ["answers", "streams", "record"]:
        print(f"  {what:8} " + ", ".join(f"{name} {n}" for name, n in told[what].items()))
    for text, n in told["oddities"]:
        print(f"  {n} x {text}")


asyncio.run(main())
