"""Nodes are killed (kill -9) at random; the edge asks another node where one gave no answer."""

import random
import time

from stage import Cell
from tools import Load
from trial import Trial, bad

TITLE = "kill -9 of nodes behind the edge"


def run(options):
    times = options.times or (8 if options.short else 200)
    trial, chance = Trial("kills", TITLE), random.Random(options.seed)
    with Cell(options, {"us": 1, "eu": 3, "apac": 1}, words=25, pace_ms=200) as cell:
        ours = next(org for org in cell.orgs if org.region == "eu")
        load = trial.load(Load(cell, ours, singles=6, streams=8, pause_ms=30))
        others = [trial.load(Load(cell, org, singles=1, streams=1, pause_ms=200)) for org in cell.orgs if org is not ours]
        time.sleep(2)
        for at in range(times):
            node = chance.choice(cell.of("eu"))
            with trial.fault(f"{node.name} killed"):
                node.kill()
                time.sleep(chance.uniform(0, 0.5))
                node.start()
                node.ready()
            time.sleep(chance.uniform(0.2, 1.0))
        trial.stop()
        trial.figures["kills"] = times
        singles, streams = trial.ended(load, stream=False), trial.ended(load, stream=True)
        event = sum(n for how, n in streams.items() if how.startswith("told"))
        # Those that began; others were refused with a status.
        cut = event + sum(streams.get(how, 0) for how in ["broken", "truncated", "silent", "nothing"])
        trial.none(f"{times} kills: whole answers that visibly failed", bad(singles))
        trial.bar("streams that were cut, and ended as an error for the client (an error event, or HTTP says that it is not whole)",
                  f"{event + streams.get('broken', 0)} of {cut}", event + streams.get("broken", 0) == cut)
        trial.bar("streams that were cut, and ended with an error event", f"{event} of {cut}", event == cut)
        trial.none("streams that were refused before they began", bad(streams) - cut)
        trial.none("streams silently truncated", streams.get("truncated", 0))
        trial.none("failed calls of the other regions", bad(trial.ended(*others)))
        figures = trial.judged(cell)
        answered = sum(it.counted()["answered"] for it in cell.providers.values())
        trial.bar("charged once: calls charged are no more than providers answered",
                  f"{figures['succeeded']} and {answered}", figures["succeeded"] <= answered)
        # Its answer was durable and its node died before the edge had it: the edge asked again.
        trial.figures["chargedAndNotDelivered"] = figures["chargedAndNotWhole"]
        return trial
