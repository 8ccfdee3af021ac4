"""PostgreSQL with a synchronous standby under Patroni fails over under load, as root. Each round breaks the machine of the
primary in one of three ways while callers ask and an administrator writes, and mends it afterwards:

kill       its PostgreSQL and its Patroni are killed (kill -9) at once, as with a loss of power
hang       all of its processes stand still (SIGSTOP), as with a disk that hangs, and its watchdog resets it;
           with `--without-watchdog` they go on as if nothing had been (SIGCONT)
partition  its network is gone: nobody hears it, and it hears nobody
"""

import collections
import json
import signal
import threading
import time

from patroni import Patroni
from stage import Cell
from tools import Load, until
from trial import Trial, bad

TITLE = "PostgreSQL fails over"
FAULTS = ["kill", "hang", "partition"]


class Replicated(Cell):
    production = True

    def database(self, name):
        return Patroni(f"{self.folder}/{name}")


class Administrator:
    """Writes five times a second, and remembers what was acknowledged and when."""

    def __init__(self, cell, org):
        self.cell, self.org, self.stopping = cell, org, False
        self.acknowledged, self.successes, self.refused = [], [], collections.Counter()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        pending, count = [], 0
        while not self.stopping:
            count += 1
            pending = [one for one in pending if one.is_alive()]
            pending.append(threading.Thread(target=self.write, args=[f"team {count}"]))
            pending[-1].start()
            time.sleep(0.2)
        for one in pending:
            one.join()

    def write(self, name):
        begun = time.monotonic()
        status, _ = self.cell.ask(self.org, "POST", "/api/teams", {"name": name})
        if status == 201:
            self.acknowledged.append(name)
            self.successes.append((begun, time.monotonic()))
        else:
            self.refused[str(status)] += 1

    def away(self, since):
        """From the fault until a write that was begun after it succeeded: those under way at that moment may have been done
        already."""
        return min((ended for begun, ended in list(self.successes) if begun > since), default=None)

    def stop(self):
        self.stopping = True
        self.thread.join()


def a_round(cell, trial, fault, administrator, watchdog):
    cluster = cell.postgres
    machine = cluster.primary()
    if not machine:
        raise SystemExit("there is no primary")
    with trial.fault(f"primary: {fault}"):
        since = time.monotonic()
        if fault == "kill":
            machine.signal(signal.SIGKILL)
        elif fault == "hang":
            machine.signal(signal.SIGSTOP)
        else:
            machine.cut()
        # What is still answered within a second of the fault was under way.
        until(lambda: administrator.away(since + 1) is not None, 90, f"written after {fault}")
        away = administrator.away(since + 1) - since
    # The old primary comes back while all goes on, and must not be one.
    time.sleep(3)
    if fault == "partition":
        machine.mend()
    elif fault == "hang" and not watchdog:
        machine.signal(signal.SIGCONT)
    else:
        machine.signal(signal.SIGKILL)
        machine.start()
    cluster.whole()
    return {"fault": fault, "awaySeconds": round(away, 1), "tookOver": cluster.primary() is not machine}


def errors(cell):
    """What the nodes themselves called an error."""
    said = collections.Counter()
    for node in cell.nodes:
        for line in node.said().splitlines():
            if line.startswith("{") and json.loads(line).get("level") == "ERROR":
                said[line[line.find('"level"'):][:300]] += 1
    return said.most_common(5)


def run(options):
    rounds = options.times or (1 if options.short else 6)
    trial = Trial("failover", TITLE)
    with Replicated(options, {"eu": 2}, pace_ms=200) as cell:
        journal, refuse = cell.orgs[0], cell.org("eu", "acme-refuse")
        cell.journal(journal)
        cell.limit(refuse, money_per_month="100000.00", concurrency=1000)
        administrator = Administrator(cell, refuse)
        ours = trial.load(Load(cell, journal, singles=2, streams=2, pause_ms=100))
        trial.load(Load(cell, refuse, singles=2, streams=2, pause_ms=100))
        try:
            time.sleep(3)
            told = []
            for at in range(rounds):
                told.append(a_round(cell, trial, FAULTS[at % len(FAULTS)], administrator, not options.without_watchdog))
                time.sleep(3)
        finally:
            administrator.stop()
        trial.stop()
        until(lambda: cell.metric("portico_record_journal_waiting") == 0, 60, "the journal replayed")
        found = cell.metric("portico_record_faults_total")
        names = collections.Counter(cell.of_record("eu", "SELECT name FROM identity_team").splitlines())
        trial.figures["unwell"] = trial.when(ours)
        trial.figures |= {"rounds": told, "standbysMadeAnew": cell.postgres.rebuilt, "writesRefused": dict(administrator.refused),
                          "faultsFound": found, "errors": errors(cell)}
        slowest = max(one["awaySeconds"] for one in told)
        trial.bar("administrators write again within 30 s of each fault",
                  ", ".join(f"{one['fault']} {one['awaySeconds']} s" for one in told), slowest <= 30)
        trial.none("`journal`: failed calls", bad(trial.ended(ours)))
        missing = sum(1 for name in administrator.acknowledged if names[name] != 1)
        trial.bar("acknowledged writes that are missing or there twice", f"{missing} of {len(administrator.acknowledged)}", not missing)
        trial.none("faults that the nodes found in the record", found)
        trial.judged(cell)
        return trial
