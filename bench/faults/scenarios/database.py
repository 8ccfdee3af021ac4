"""The database of a region is killed, stands still, and is cut off, while an org that chose `journal` and one that chose
`refuse` call."""

import os
import signal
import time

from stage import Cell
from tools import Load, until
from trial import Trial, bad

TITLE = "PostgreSQL killed, stopped, partitioned under load"


def processes(folder):
    """Those of the server whose data lie there."""
    first = int(open(os.path.join(folder, "data/postmaster.pid")).readline())
    children = open(f"/proc/{first}/task/{first}/children").read().split()
    return [first, *map(int, children)]


def kill(cell):
    """As with a loss of power; then it is started again."""
    for pid in processes(cell.postgres.folder):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def signalled(cell, number):
    for pid in processes(cell.postgres.folder):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def run(options):
    away, rounds = (8, 1) if options.short else (20, 2)
    trial = Trial("database", TITLE)
    with Cell(options, {"eu": 2}, through=["eu"], pace_ms=100) as cell:
        journal, refuse = cell.orgs[0], cell.org("eu", "acme-refuse")
        cell.journal(journal)
        cell.limit(refuse, money_per_month="100000.00", concurrency=1000)
        ours = trial.load(Load(cell, journal, singles=3, streams=3, pause_ms=50))
        theirs = trial.load(Load(cell, refuse, singles=2, streams=2, pause_ms=50))
        time.sleep(3)
        replay = []

        def back():
            replay.append(until(lambda: cell.metric("portico_record_journal_waiting") == 0 and
                                all(node.is_ready() for node in cell.nodes), 60, "the journal replayed"))
            time.sleep(3)

        for _ in range(rounds):
            with trial.fault("database killed"):
                kill(cell)
                time.sleep(away)
                cell.postgres.start()
            back()
            with trial.fault("database stopped"):
                signalled(cell, signal.SIGSTOP)
                time.sleep(away)
                signalled(cell, signal.SIGCONT)
            back()
            with trial.fault("database cut off"):
                cell.proxies["eu"].say("blackhole")
                time.sleep(away)
                cell.proxies["eu"].say("reset")
                cell.proxies["eu"].say("pass")
            back()
        trial.stop()
        trial.figures["unwell"] = trial.when(ours)
        trial.figures |= {
            "faults": rounds * 3, "awaySeconds": away, "journalReplayedSeconds": [round(one, 1) for one in replay],
            "journalled": cell.metric("portico_record_journal_events_replayed_total"),
        }
        trial.none(f"`journal`: failed calls in {rounds * 3} outages of {away} s", bad(trial.ended(ours)))
        ended = trial.ended(theirs)
        refused = {how: n for how, n in ended.items() if how in ("503 record_unavailable", "told record_unavailable")}
        trial.bar("`refuse`: all others got 503 `record_unavailable`, or a stream that ended with it", ended,
                  bad(ended, *refused) == 0 and sum(refused.values()) > 0)
        trial.judged(cell)
        return trial
