"""The store in which nodes count together is killed, stands still, and is cut off: who is limited in rates goes on, who is
limited in money is refused."""

import signal
import time

from stage import Cell
from tools import Load, until
from trial import Trial, bad

TITLE = "Redis killed, stopped, partitioned under load"


def run(options):
    away, rounds = (5, 1) if options.short else (20, 2)
    trial = Trial("redis", TITLE)
    with Cell(options, {"eu": 3}, through=["redis"], pace_ms=100) as cell:
        rated, paid = cell.orgs[0], cell.org("eu", "acme-paid")
        cell.limit(rated, rpm=100_000, tpm=100_000_000, concurrency=600)
        cell.limit(paid, money_per_month="100000.00")
        ours = trial.load(Load(cell, rated, singles=3, streams=3, pause_ms=50))
        theirs = trial.load(Load(cell, paid, singles=2, streams=2, pause_ms=50))
        time.sleep(3)
        exact = []

        def back():
            exact.append(until(lambda: cell.metric("portico_limits_store_up") == len(cell.nodes), 30, "the store of all nodes"))
            time.sleep(5)

        for _ in range(rounds):
            with trial.fault("Redis killed, and comes back empty"):
                cell.redis.kill()
                time.sleep(away)
                cell.redis.start()
            back()
            with trial.fault("Redis stopped"):
                cell.redis.signal(signal.SIGSTOP)
                time.sleep(away)
                cell.redis.signal(signal.SIGCONT)
            back()
            with trial.fault("Redis cut off"):
                cell.proxies["redis"].say("blackhole")
                time.sleep(away)
                cell.proxies["redis"].say("pass")
            back()
        trial.stop()
        until(lambda: cell.metric("portico_limits_settlements_waiting") == 0, 30, "all settlements taken")
        trial.figures["unwell"] = trial.when(ours)
        trial.figures |= {
            "faults": rounds * 3, "awaySeconds": away, "storeBackSeconds": [round(one, 1) for one in exact],
            "decidedAlone": cell.metric("portico_limits_decided_alone_total"),
            "settlementsDropped": cell.metric("portico_limits_settlements_dropped_total"),
        }
        trial.none(f"limited in rates: failed calls in {rounds * 3} outages of {away} s", bad(trial.ended(ours)))
        ended = trial.ended(theirs)
        trial.bar("limited in money: all others got 503 `counters_unavailable`", ended, bad(ended, "503 counters_unavailable") == 0)
        figures = trial.judged(cell)
        # What the counters say of the month, once they were compared with the ledger.
        time.sleep(3)
        status, text = cell.ask(paid, "GET", "/api/limits/org/org")
        trial.figures["counters"] = text[:400]
        asked = cell.providers["eu"].counted()["answered"]
        trial.bar("calls answered by the provider = calls charged", f"{asked} and {figures['succeeded']}", asked == figures["succeeded"])
        return trial
