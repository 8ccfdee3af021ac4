"""How many events the record makes durable in a second, beside plain inserts.

Starts a PostgreSQL of its own (fsync on) and, in each round, runs one after the other:
plain single-row inserts by 32 clients (pgbench), and the record with one hot org and with
1,000 orgs, by 32 callers and by 512. Then SQLite with `synchronous=FULL`, 512 callers.
Prints the medians. Ratios within one run are what counts: the machine may be shared.

Usage: measure.py DURABLE [--rounds N] [--seconds N] [--json]
(DURABLE: `cargo build --release -p audit --example durable`)
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from postgres import Postgres

PLAIN = """CREATE TABLE plain (org_id TEXT NOT NULL, seq BIGSERIAL, at BIGINT NOT NULL,
  action TEXT NOT NULL, user_id TEXT NOT NULL, resource_type TEXT NOT NULL,
  resource_id TEXT NOT NULL, outcome TEXT NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (org_id, seq));
CREATE INDEX ON plain (org_id, user_id, seq);
CREATE INDEX ON plain (org_id, resource_id, seq);"""
# As large a row as the record writes.
INSERT = """INSERT INTO plain (org_id, at, action, user_id, resource_type, resource_id, outcome, body)
VALUES ('org_01KDVDNA00495K2ZPTT9ZNDTZG', 1, 'gateway.call.ended', 'operator', 'call',
 'call_01KDVDNA00495K2ZPTT9ZNDTZG', 'success', decode(repeat('ab', {bytes}), 'hex'));"""
BODY_BYTES = 620


def say(text):
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


class Server(Postgres):
    """With databases to measure in."""

    def fresh(self, name):
        self.psql("postgres", f"CREATE DATABASE {name};")
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def plain(self, name, seconds):
        self.fresh(name)
        self.psql(name, PLAIN)
        script = os.path.join(self.folder, "insert.sql")
        with open(script, "w") as file:
            file.write(" ".join(INSERT.format(bytes=BODY_BYTES).split()) + "\n")
        os.chmod(script, 0o644)
        told = self.run(
            "pgbench", "-n", "-M", "prepared", "-c", "32", "-j", "2", "-T", str(seconds), "-f", script,
            "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name,
        )
        return float(re.search(r"tps = ([\d.]+)", told).group(1))


def durable(program, url, orgs, callers, seconds):
    done = subprocess.run(
        [program, url, str(orgs), str(callers), str(seconds)],
        capture_output=True, text=True, check=True,
    )
    return json.loads(done.stdout)


def medians(runs):
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("durable")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="portico-record-")
    kinds = [(1, 32), (1, 512), (1000, 32), (1000, 512)]
    plain, ours, embedded = [], {kind: [] for kind in kinds}, []
    postgres = Server(folder)
    try:
        for at in range(args.rounds):
            say(f"round {at + 1} of {args.rounds}")
            plain.append(postgres.plain(f"plain{at}", args.seconds))
            for orgs, callers in kinds:
                url = postgres.fresh(f"record{at}_{orgs}_{callers}")
                ours[orgs, callers].append(durable(args.durable, url, orgs, callers, args.seconds))
            with tempfile.TemporaryDirectory() as place:
                url = f"sqlite://{place}/record.db"
                embedded.append(durable(args.durable, url, 1, 512, args.seconds))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    base = statistics.median(plain)
    rows = [{"engine": "postgresql", **medians(runs)} for runs in ours.values()]
    for row in rows:
        row["timesPlain"] = row["eventsPerSecond"] / base
    rows.append({"engine": "sqlite", **medians(embedded)})
    if args.json:
        print(json.dumps({"plainInsertsPerSecond": base, "record": rows}))
        return
    print(f"plain inserts, 32 clients, PostgreSQL: {base:,.0f} /s")
    print("engine        orgs callers  events/s  x plain  p50 ms  p99 ms  CPU us/event")
    for row in rows:
        ratio = f"{row['timesPlain']:.2f}" if "timesPlain" in row else "-"
        print(
            f"{row['engine']:<12} {row['orgs']:>5.0f} {row['callers']:>7.0f} {row['eventsPerSecond']:>9,.0f}"
            f" {ratio:>8} {row['p50Millis']:>7.1f} {row['p99Millis']:>7.1f} {row['cpuMicrosPerEvent']:>13.1f}"
        )


if __name__ == "__main__":
    main()
