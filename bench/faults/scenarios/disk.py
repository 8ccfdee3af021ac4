"""Disks are full: first that of the database, then that of the node, on which its journal and what it publishes lie. As root:
both are small file systems in memory."""

import os
import subprocess
import time

from postgres import Postgres
from stage import Cell
from tools import Load, until
from trial import Trial, bad

TITLE = "Disks full: record, journal, published objects"
MIB = 1 << 20


class Small(Cell):
    """The database's files lie on one small disk (its write-ahead log does not: PostgreSQL stops without), the nodes'
    data on another."""

    def __init__(self, *args, **more):
        self.mounted = []
        super().__init__(*args, **more)

    def mount(self, name, mib):
        path = os.path.join(self.folder, name)
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "portico-faults", path], check=True)
        self.mounted.append(path)
        return path

    def database(self, name):
        self.mount("portico-eu", 48)
        os.makedirs(os.path.join(self.folder, "wal"))
        return Postgres(self.mount(name, 160), "max_connections=100", "max_wal_size=256MB", wal=os.path.join(self.folder, "wal", "pg"))

    def fill(self, name):
        """To the last byte; gives what makes room again."""
        path = os.path.join(self.folder, name, "filler")
        with open(path, "wb", 0) as file:
            try:
                while True:
                    file.write(b"\0" * MIB)
            except OSError:
                pass
            try:
                while True:
                    file.write(b"\0" * 512)
            except OSError:
                pass
        return lambda: os.remove(path)

    def stop(self):
        super().stop()
        for path in self.mounted:
            subprocess.run(["umount", "-l", path], check=False)
            os.path.isdir(path) and os.rmdir(path)
        os.path.isdir(self.folder) and subprocess.run(["rm", "-rf", self.folder])


def published(cell):
    return cell.metric("portico_record_log_published_total")


def run(options):
    if os.getuid():
        raise SystemExit("disk: mounting a small disk needs root")
    full = 8 if options.short else 30
    trial = Trial("disk", TITLE)
    with Small(options, {"eu": 2}, through=["eu"], pace_ms=100) as cell:
        journal, refuse = cell.orgs[0], cell.org("eu", "acme-refuse")
        cell.journal(journal)
        cell.limit(refuse, money_per_month="100000.00", concurrency=1000)
        ours = trial.load(Load(cell, journal, singles=2, streams=2, pause_ms=50))
        theirs = trial.load(Load(cell, refuse, singles=2, streams=2, pause_ms=50))
        back = {}

        def recovers(name):
            back[name] = round(until(lambda: cell.metric("portico_record_journal_waiting") == 0 and
                                     all(node.is_ready() for node in cell.nodes), 60, f"back after {name}"), 1)
            time.sleep(4)

        time.sleep(4)
        with trial.fault("database's disk full"):
            room = cell.fill("postgres")
            time.sleep(full)
            room()
        recovers("database")

        before = published(cell)
        with trial.fault("node's disk full"):
            room = cell.fill("portico-eu")
            time.sleep(full)
            stood = published(cell) - before
            room()
        recovers("published objects")
        until(lambda: published(cell) > before + stood, 30, "published again")

        with trial.fault("database cut off, then the journal's disk full"):
            # For less than a node trusts what it remembers without news (60 s): this is about disks.
            cell.proxies["eu"].say("reset")
            time.sleep(full / 4)
            room = cell.fill("portico-eu")
            time.sleep(full)
            room()
            time.sleep(full / 4)
            cell.proxies["eu"].say("pass")
        recovers("journal")
        trial.stop()
        trial.figures["unwell"] = trial.when(ours)
        trial.figures |= {"fullSeconds": full, "backSeconds": back, "journalled": cell.metric("portico_record_journal_events_replayed_total"),
                          "publishedWhileFull": stood, "delayed": cell.metric("portico_record_log_delayed_total")}
        for name, load in [("journal", ours), ("refuse", theirs)]:
            ended = trial.ended(load)
            # Both nodes keep their journals on the one disk: neither is ready while that is full and the database is away.
            refused = {how: n for how, n in ended.items()
                       if how in ("503 record_unavailable", "told record_unavailable", "503 no_node_ready")}
            trial.bar(f"`{name}`: all others got 503 `record_unavailable` (of the edge: `no_node_ready`), or a stream that ended with it", ended,
                      bad(ended, *refused) == 0 and sum(refused.values()) > 0)
        trial.bar("serves again by itself once there is room", ", ".join(f"{name} {took} s" for name, took in back.items()), True)
        lines = int(cell.of_record("eu", "SELECT COUNT(*) FROM audit_event"))
        took = until(lambda: cell.metric("portico_record_log_stopped") == 0, 30, "a log that goes on")
        trial.figures["events"] = lines
        trial.bar("published logs that stand still afterwards", cell.metric("portico_record_log_stopped"), took < 30)
        trial.judged(cell)
        return trial
