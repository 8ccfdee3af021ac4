"""Whether it matters how many organizations there are, and what a node needs after many calls.

Usage: many.py PORTICO PROGRAMS SEEDER [--orgs N …] [--rounds N] [--seconds N] [--soak CALLS] [--page FILE] [--json]
(SEEDER: `orgs`, the example of the server. `cargo xtask bench --many` builds all three.)

Each count of orgs has a data folder of its own. In each round every one of them is started, timed and
killed, one after the other, so that a busy moment of the machine falls on all. Keys are drawn from all
orgs: `usual`, the one of rank r as likely as 1/r, and `even`, each as likely, so that of many orgs
nearly every call is the first of its org.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from contenders import HERE, Direct, Portico
from measure import cpu_us, medians, micros, pss_mb, say
from page import number, put_many, table

CALLERS = [1, 32]
SPREADS = ["usual", "even"]


class Many(Portico):
    """A node with so many orgs. It does not run until it is started."""

    def __init__(self, args, folder, provider, count):
        self.seeder, self.count = args.seeder, count
        self.keys = os.path.join(folder, f"{count}.keys")
        super().__init__(args.portico, os.path.join(folder, str(count)), provider, provider, "sqlite")

    def begin(self):
        """Its orgs, in place of a start; those of an earlier run, if they are there."""
        self.seeded = 0
        if not os.path.exists(self.keys):
            self.operator.org("eu")
            begun = time.monotonic()
            subprocess.run([self.seeder, f"{self.folder}/portico", str(self.count), f"{self.keys}.part"], check=True)
            os.rename(f"{self.keys}.part", self.keys)
            self.seeded = time.monotonic() - begun
        with open(self.keys) as keys:
            self.key = keys.readline().strip()

    def start(self):
        """Seconds until it is ready."""
        begun = time.monotonic()
        self.serve()
        while not self.is_ready():
            if self.children[0].poll() is not None:
                raise SystemExit(f"{self.folder}/{self.name}.log: it does not start")
            time.sleep(0.002)
        return time.monotonic() - begun

    def is_ready(self):
        try:
            with socket.create_connection(("127.0.0.1", self.ops), timeout=5) as ops:
                ops.sendall(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                return ops.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def end(self):
        """Killed: at a stop what is left of the record is published, which would be waited for."""
        child = self.children.pop(0)
        child.kill()
        child.wait()


def called(node, spread, callers, how, seed):
    """One run of wrk; `how`: `-d4s`."""
    env = {**os.environ, "HERE": HERE, "KEYS": node.keys, "SPREAD": spread, "SEED": str(seed)}
    command = ["wrk", "-t1", f"-c{callers}", how, "--timeout", "10s", "--latency", "-s", f"{HERE}/many.lua", node.url()]
    before = cpu_us(node)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    count = int(re.search(r"(\d+) requests in", done).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    return {
        "calls": count,
        "p50Micros": micros(re.search(r"^ +50% +(\S+)", done, re.M).group(1)),
        "p99Micros": micros(re.search(r"^ +99% +(\S+)", done, re.M).group(1)),
        "cpuMicros": (cpu_us(node) - before) / max(count, 1),
        "pssMb": pss_mb(node),
        "failed": int(bad.group(1)) if bad else 0,
    }


def idle_percent(node, seconds=5):
    """Of one core, while nobody calls."""
    before = cpu_us(node)
    time.sleep(seconds)
    return (cpu_us(node) - before) / seconds / 10_000


def interleaved(args, nodes):
    starts, idle, rows = {}, {}, {}
    for _ in range(args.rounds):
        for node in nodes:
            say(f"starting {node.count} orgs")
            starts.setdefault(node.count, []).append(node.start() * 1_000)
            node.end()
    for at in range(args.rounds):
        for spread in SPREADS:
            for node in nodes:
                say(f"round {at + 1} of {args.rounds}: {node.count} orgs, {spread}")
                node.start()
                called(node, spread, 32, f"-d{args.warm}s", 1_000 + at)
                for callers in CALLERS:
                    row = called(node, spread, callers, f"-d{args.seconds}s", at * 10 + callers)
                    rows.setdefault((node.count, spread, callers), []).append(row)
                if spread == SPREADS[0]:
                    idle.setdefault(node.count, []).append(idle_percent(node))
                node.end()
    return {
        "ready": [{"orgs": count, "readyMillis": statistics.median(all)} for count, all in starts.items()],
        "idle": [{"orgs": count, "percent": statistics.median(all)} for count, all in idle.items()],
        "calls": [{"orgs": o, "spread": s, "callers": c, **medians(all)} for (o, s, c), all in rows.items()],
    }


def soaked(node, calls):
    """PSS after each tenth of so many calls."""
    seen, made = [], 0
    node.start()
    while made < calls:
        row = called(node, "usual", 32, "-d10s", made)
        made += row["calls"]
        if made >= calls * (len(seen) + 1) / 10:
            seen.append({"calls": made, "pssMb": row["pssMb"], "p50Micros": row["p50Micros"], "failed": row["failed"]})
            say(f"soak: {made} calls, {row['pssMb']:.1f} MB")
    node.end()
    return {"orgs": node.count, "after": seen}


def written(found):
    parts = [
        "## With many organizations",
        "Each organization that calls has a log of its own, which is published meanwhile as it is by default. "
        f"{found['rounds']} times {found['seconds']} s each after {found['warm']} s of the same, SQLite, interleaved; every node "
        "is started anew in each round. Each org has an owner, a key, limits at five levels and a record. *usual*: the key of "
        "rank r is as likely as 1/r; *even*: each is as likely, so of many orgs nearly every call is the first of its org.",
        table(["organizations", "ready ms", "idle, % of a core"], [
            [f"{one['orgs']:,}", number(one["readyMillis"]), f"{idle['percent']:.1f}"]
            for one, idle in zip(found["ready"], found["idle"])
        ]),
        table(["keys, callers", "organizations", "p50 µs", "p99 µs", "CPU µs a call", "PSS MB", "failed"], [
            [f"{row['spread']}, {row['callers']}", f"{row['orgs']:,}",
             *(number(row[name]) for name in ["p50Micros", "p99Micros", "cpuMicros", "pssMb"]), f"{row['failed']:.0f}"]
            for row in sorted(found["calls"], key=lambda row: (SPREADS[::-1].index(row["spread"]), row["callers"], row["orgs"]))
        ]),
    ]
    if soak := found.get("soak"):
        parts += [f"After many calls, 32 at once, of {soak['orgs']:,} organizations:", table(
            ["calls", "PSS MB", "p50 µs", "failed"],
            [[f"{one['calls']:,}", f"{one['pssMb']:.1f}", number(one["p50Micros"]), str(one["failed"])] for one in soak["after"]],
        )]
    return "\n\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ["portico", "programs", "seeder"]:
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--orgs", type=int, nargs="+", default=[1, 1_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--warm", type=int, default=4)
    parser.add_argument("--soak", type=int, default=0, metavar="CALLS", help="on the largest; 0: none")
    parser.add_argument("--data", help="a folder of an earlier run to use, or to leave one in")
    parser.add_argument("--page", help="the Markdown file to put its part into")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    folder, running = args.data or tempfile.mkdtemp(prefix="portico-many-"), []
    os.makedirs(folder, exist_ok=True)
    try:
        running.append(Direct(args.programs, folder))
        nodes = []
        for count in args.orgs:
            say(f"making {count} orgs")
            nodes.append(Many(args, folder, running[0], count))
        running += nodes
        found = {"rounds": args.rounds, "seconds": args.seconds, "warm": args.warm}
        found |= {"seeded": [{"orgs": node.count, "seconds": node.seeded} for node in nodes]}
        found |= interleaved(args, nodes)
        if args.soak:
            found["soak"] = soaked(nodes[-1], args.soak)
    finally:
        for one in running:
            one.stop()
        if not args.data:
            shutil.rmtree(folder, ignore_errors=True)
    if args.page:
        put_many(args.page, written(found))
    print(json.dumps(found) if args.json else written(found))


if __name__ == "__main__":
    main()
