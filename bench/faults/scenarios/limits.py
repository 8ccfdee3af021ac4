"""One, three and six nodes count together at two to ten times what the limits allow, while nodes are killed.

Three orgs: one with calls a minute, one with a budget, one with calls at once. What was admitted is looked for where it
cannot be argued about: in the record, in the ledger, and at the provider.
"""

import json
import random
import threading
import time

import record
from stage import Cell
from tools import Load, until
from trial import Trial

TITLE = "Limits on one, three and six nodes, overloaded and killed"

PER_MINUTE, AT_ONCE, BUDGET = 300, 12, 10.0
MINUTE = 60_000


def surpassed(calls, limit):
    """By how many more than `limit` the calls of any 60 seconds went: those that were surely admitted in it, as they were
    sent after it began and answered before it ended."""
    whole = sorted((call["sent"], call["ended"]) for call in calls if call["how"] == "ok")
    worst = 0
    for begin, _ in whole:
        surely = sum(1 for sent, ended in whole if sent >= begin and ended <= begin + MINUTE)
        worst = max(worst, surely - limit)
    return worst


def a_cell(options, trial, nodes, overload, seconds):
    with Cell(options, {"eu": nodes}, words=25, pace_ms=200) as cell:
        rated, paid, held = cell.orgs[0], cell.org("eu", "acme-paid"), cell.org("eu", "acme-held")
        cell.limit(rated, rpm=PER_MINUTE)
        cell.limit(paid, money_per_day=f"{BUDGET:.2f}")
        cell.limit(held, concurrency=AT_ONCE)
        rate = PER_MINUTE / 60 * overload
        began = time.time()
        loads = [
            Load(cell, rated, singles=24, streams=0, pause_ms=0, rate=rate),
            Load(cell, paid, singles=8, streams=0, pause_ms=100, max_tokens=17),
        ]
        for load in loads:
            trial.load(load)
        chance, ending = random.Random(options.seed), threading.Event()
        kills = 0

        def killer():
            nonlocal kills
            while not ending.wait(chance.uniform(6, 10)):
                node = chance.choice(cell.nodes)
                with trial.fault(f"{node.name} of {nodes} killed"):
                    node.kill()
                    node.start()
                    node.ready()
                kills += 1

        thread = threading.Thread(target=killer)
        thread.start()
        time.sleep(seconds)
        ending.set()
        thread.join()
        status, text = cell.ask(rated, "GET", "/api/limits/org/org")
        counted = json.loads(text)["used"]["requests_per_minute"]
        for load in loads:
            load.stop()
        took = time.time() - began

        # Calls at once: all that may be, and one node is killed with its share of them.
        streams = trial.load(Load(cell, held, singles=0, streams=AT_ONCE * 2, pause_ms=200))
        peak = 0

        def all_at_once():
            nonlocal peak
            told = cell.providers["eu"].counted()
            peak = max(peak, told["peak"])
            return told["underWay"] >= AT_ONCE

        until(all_at_once, 20, "all calls at once that may be")
        node = cell.nodes[0]
        with trial.fault(f"{node.name} of {nodes} killed with its streams"):
            node.kill()
            killed = time.monotonic()
            # Another node must not need it; one alone comes back at once.
            if nodes == 1:
                node.start()
            until(all_at_once, 30, "what the dead node held is back")
            back = time.monotonic() - killed
        if nodes > 1:
            node.start()
        node.ready()
        until(all_at_once, 20, "all calls at once that may be")
        streams.stop()

        begun, _ = record.closed(cell, rated)
        spent = cell.of_record("eu", f"SELECT COALESCE(SUM(nanocents), 0) FROM limits_ledger WHERE org_id = '{paid.id}' AND subject = 'org'")
        figures = {
            "nodes": nodes, "overload": overload, "kills": kills, "seconds": round(took),
            "recorded": len(begun), "mayBe": PER_MINUTE * (1 + int(took // 60)), "countedOfTheLastMinute": counted, "surpassedBy": surpassed(loads[0].calls, PER_MINUTE),
            "spent": int(spent) / 1e11, "atOnce": peak, "backWithinSeconds": round(back, 1),
            "rated": trial.ended(loads[0]), "paid": trial.ended(loads[1]),
        }
        trial.figures[f"nodes{nodes}x{overload}"] = figures
        name = f"{nodes} node{'s' if nodes > 1 else ''}, {overload}x, {kills} kills"
        trial.none(f"{name}: calls of any 60 s beyond {PER_MINUTE}", max(0, figures["surpassedBy"]))
        # A call that died with its node before its intent was on disk was admitted, and is in no record.
        trial.bar(f"{name}: admitted of the {PER_MINUTE} of the last minute, at least 99 %",
                  f"{counted} counted; {figures['recorded']} recorded of {figures['mayBe']} in all", counted >= 0.99 * PER_MINUTE)
        trial.bar(f"{name}: spent of a budget of {BUDGET:.2f}, never more, at least 99 %", f"{figures['spent']:.3f}",
                  0.99 * BUDGET <= figures["spent"] <= BUDGET)
        trial.bar(f"{name}: calls at once at the provider, of {AT_ONCE}", peak, peak == AT_ONCE)
        trial.bar(f"{name}: what a dead node held is back within 10 s", f"{back:.1f} s", back <= 10)
        for org, calls in [(rated, loads[0].calls), (paid, loads[1].calls), (held, streams.calls)]:
            told = record.judged(cell, org, calls)
            trial.bar(f"{name}: record and ledger of {org.slug} agree, nothing missing", told["ledgerMinusRecord"]["nanocents"], record.sound(told))


def run(options):
    trial = Trial("limits", TITLE)
    # They end between two minutes, when all that may be was admitted and nothing more may be.
    for nodes, overload in [(3, 5)] if options.short else [(1, 2), (3, 5), (6, 10)]:
        a_cell(options, trial, nodes, overload, 50 if options.short else 110)
    trial.calls = [call for load in trial.loads for call in load.calls]
    return trial
