"""PostgreSQL fails over under load: `failover.py PROGRAM [--rounds N] [--json]`, as root.

Each round breaks the machine of the primary in one of three ways while callers ask, streams run and an
administrator writes, and mends it afterwards:

kill       its PostgreSQL and its Patroni are killed (kill -9) at once, as with a loss of power
hang       all of its processes stand still (SIGSTOP), as with a disk that hangs, and its watchdog resets it;
           with `--without-watchdog` they go on as if nothing had been (SIGCONT)
partition  its network is gone: nobody hears it, and it hears nobody

Measured: how long no administrator's write succeeded; how calls ended meanwhile (503 is the answer of an
org that chose `refuse`); and afterwards whether every acknowledged write and every answered call is there,
once, with a ledger that equals the record.
"""

import argparse
import asyncio
import collections
import json
import signal
import sys
import time
import urllib.error
import urllib.request

from load import Load
from patroni import Patroni
from stage import Cell, Provider

FAULTS = ["kill", "hang", "partition"]


class FailoverCell(Cell):
    production = True

    def database(self, folder):
        return Patroni(folder)


class Administrator:
    """Writes five times a second, and remembers what was acknowledged and when."""

    def __init__(self, port, key):
        self.port, self.key, self.stopping = port, key, False
        self.acknowledged, self.successes, self.refused, self.count = [], [], collections.Counter(), 0

    def write(self, name):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/teams", json.dumps({"name": name}).encode(),
            {"authorization": f"Bearer {self.key}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, None, 60) as answer:
                return str(answer.status)
        except urllib.error.HTTPError as error:
            return str(error.code)
        except OSError as error:
            return type(error).__name__

    async def work(self):
        pending = set()
        while not self.stopping:
            self.count += 1
            pending.add(asyncio.create_task(self.one(f"team {self.count}")))
            pending = {task for task in pending if not task.done()}
            await asyncio.sleep(0.2)
        await asyncio.gather(*pending)

    async def one(self, name):
        begun = time.monotonic()
        how = await asyncio.to_thread(self.write, name)
        if how == "201":
            self.acknowledged.append(name)
            self.successes.append((begun, time.monotonic()))
        else:
            self.refused[how] += 1

    def away(self, since):
        """From the fault until a write that was begun after it succeeded: those under way at that
        moment may have been done already."""
        after = [ended for begun, ended in self.successes if begun > since]
        return min(after, default=None)


async def a_round(cell, fault, administrator, watchdog):
    cluster = cell.postgres
    machine = await asyncio.to_thread(cluster.primary)
    if not machine:
        raise SystemExit("there is no primary")
    since = time.monotonic()
    if fault == "kill":
        machine.signal(signal.SIGKILL)
    elif fault == "hang":
        machine.signal(signal.SIGSTOP)
    else:
        machine.cut()
    # What is still answered within a second of the fault was under way.
    until = since + 90
    while administrator.away(since + 1) is None and time.monotonic() < until:
        await asyncio.sleep(0.1)
    back = administrator.away(since + 1)
    if back is None:
        raise SystemExit(f"{fault}: no write succeeded for 90 s")
    # The old primary comes back while all goes on, and must not be one.
    await asyncio.sleep(3)
    if fault == "partition":
        machine.mend()
    elif fault == "hang" and not watchdog:
        machine.signal(signal.SIGCONT)
    else:
        machine.signal(signal.SIGKILL)
        machine.start()
    await asyncio.to_thread(cluster.whole)
    took_over = await asyncio.to_thread(cluster.primary)
    return {"fault": fault, "awaySeconds": round(back - since, 1), "tookOver": took_over is not machine}


def judged(cell, load, administrator):
    """What the database says of all that was acknowledged."""
    of = cell.of_record
    names = collections.Counter(of("SELECT name FROM identity_team").splitlines())
    begun = set(of("SELECT resource_id FROM audit_event WHERE action = 'gateway.call.started'").splitlines())
    ended = collections.Counter(of("SELECT resource_id FROM audit_event WHERE action = 'gateway.call.ended'").splitlines())
    teams = int(of("SELECT COUNT(*) FROM audit_event WHERE action = 'identity.team.created'"))
    charged = int(of("SELECT COALESCE(MAX(calls), 0) FROM limits_ledger") or 0)
    return {
        "acknowledgedWrites": len(administrator.acknowledged),
        "acknowledgedAndMissing": sum(1 for name in administrator.acknowledged if names[name] != 1),
        "madeTwice": sum(1 for n in names.values() if n > 1),
        "teamsWithoutEvent": sum(names.values()) - teams,
        "answeredAndNotRecorded": sum(1 for receipt in set(load.receipts) if receipt not in begun or receipt not in ended),
        "open": sum(1 for call in begun if call not in ended),
        "endedTwice": sum(1 for n in ended.values() if n > 1),
        "ledgerMinusRecord": charged - sum(ended.values()),
        "gaps": int(of("SELECT COUNT(*) - MAX(seq) - 1 FROM audit_event")),
    }


def errors(cell):
    """What the nodes themselves called an error."""
    said = collections.Counter()
    for node in cell.nodes:
        for line in open(f"{cell.folder}/{node.name}.log"):
            if line.startswith("{") and json.loads(line).get("level") == "ERROR":
                said[line[line.find('"level"'):][:300]] += 1
    return said.most_common(5)


def metric(cell, name):
    """The sum over all nodes."""
    total = 0
    for node in cell.nodes:
        text = urllib.request.urlopen(f"http://127.0.0.1:{node.ops}/metrics", None, 5).read().decode()
        total += sum(float(line.split(" ")[1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name)
    return int(total)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3, help="kill, hang and partition in turn")
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--singles", type=int, default=4)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--without-watchdog", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    cell = FailoverCell(args.program, Provider(25, 0.2), args.nodes)
    try:
        await cell.start()
        load, administrator = Load(cell.edge_port, cell.key), Administrator(cell.edge_port, cell.key)
        load.start(args.singles, args.streams, 0.1)
        working = asyncio.create_task(administrator.work())
        await asyncio.sleep(3)
        rounds = []
        for at in range(args.rounds):
            rounds.append(await a_round(cell, FAULTS[at % len(FAULTS)], administrator, not args.without_watchdog))
            if sys.stderr.isatty():
                print(rounds[-1], file=sys.stderr)
            await asyncio.sleep(3)
        administrator.stopping = True
        await working
        await load.stop()
        # Outcomes that waited for the database.
        await asyncio.sleep(5)
        for node in cell.nodes:
            await node.restart()
        told = {
            "rounds": rounds, "standbysMadeAnew": cell.postgres.rebuilt, "answers": dict(load.ended[False]), "streams": dict(load.ended[True]),
            "writesRefused": dict(administrator.refused), "record": judged(cell, load, administrator),
            "faultsFound": metric(cell, "portico_record_faults_total"),
            "errors": errors(cell), "oddities": collections.Counter(load.oddities).most_common(3),
        }
    except BaseException:
        for node in getattr(cell, "nodes", []):
            print(node.name, open(f"{cell.folder}/{node.name}.log").read()[-3000:], file=sys.stderr)
        raise
    finally:
        cell.stop()
    if args.json:
        print(json.dumps(told))
        return
    for one in told["rounds"]:
        print(f"{one['fault']:10} writes away for {one['awaySeconds']} s" + ("" if one["tookOver"] else ", and the same machine is the primary"))
    for what in ["answers", "streams", "writesRefused", "record"]:
        print(f"  {what:14} " + ", ".join(f"{name} {n}" for name, n in told[what].items()))
    print(f"  faults found in the record: {told['faultsFound']}; standbys made anew: {told['standbysMadeAnew']}")
    for text, n in told["errors"] + told["oddities"]:
        print(f"  {n} x {text}")


asyncio.run(main())
