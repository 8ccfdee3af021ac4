"""Nodes are stopped in order and started again, one after the other, while callers ask and long streams run."""

import time

from stage import Cell
from tools import Load
from trial import Trial, bad

TITLE = "Rolling restarts under load"


def run(options):
    times, words = (3, 40) if options.short else (20, 300)
    times = options.times or times
    trial = Trial("rolling", TITLE)
    with Cell(options, {"us": 1, "eu": 3, "apac": 1}, words=words, pace_ms=200) as cell:
        for org in cell.orgs:
            trial.load(Load(cell, org, singles=2, streams=6 if org.region == "eu" else 1, pause_ms=100))
        time.sleep(2)
        codes = []
        for at in range(times):
            node = cell.of("eu")[at % 3]
            with trial.fault(f"{node.name} restarts"):
                codes.append(node.restart())
            # Until the edge has noticed that it is back.
            time.sleep(1)
        trial.stop()
        trial.figures |= {"restarts": times, "streamSeconds": words / 5}
        trial.none(f"{times} restarts in order: ended otherwise than with 0", sum(1 for code in codes if code))
        trial.none("failed or truncated whole answers", bad(trial.ended(stream=False)))
        trial.none(f"failed or truncated streams of {words // 5} s", bad(trial.ended(stream=True)))
        trial.judged(cell)
        asked = sum(it.counted()["answered"] for it in cell.providers.values())
        good = trial.figures["record"]["succeeded"]
        trial.bar("calls answered by the providers = calls charged", f"{asked} and {good}", asked == good)
        return trial
