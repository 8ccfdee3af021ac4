"""The directory, and with it all that is not of one region, is dead for the whole run; orgs that exist call in three regions."""

import time

from stage import Cell
from tools import Load
from trial import Trial, bad

TITLE = "Directory dead for the whole run"


def run(options):
    seconds = 15 if options.short else 150
    trial = Trial("directory", TITLE)
    with Cell(options, {"us": 1, "eu": 2, "apac": 1}, through=["directory"], pace_ms=100) as cell:
        for org in cell.orgs:
            trial.load(Load(cell, org, singles=2, streams=2, pause_ms=100))
        time.sleep(2)
        for fault in ["reset", "blackhole"]:
            with trial.fault(f"directory: {fault}"):
                cell.proxies["directory"].say(fault)
                time.sleep(seconds)
        trial.stop()
        ready = sum(1 for node in cell.nodes if node.is_ready())
        trial.none(f"failed calls in {2 * seconds} s without a directory", bad(trial.ended()))
        trial.bar("nodes that say they are ready without a directory", f"{ready} of {len(cell.nodes)}", ready == len(cell.nodes))
        cell.proxies["directory"].say("pass")
        trial.judged(cell)
        for region, provider in cell.providers.items():
            answered = provider.counted()["answered"]
            mine = sum(1 for load in trial.loads if load.org.region == region for call in load.calls if call["how"] == "ok")
            trial.bar(f"calls answered by the provider of {region} = calls of its orgs", f"{answered} and {mine}", answered == mine)
        return trial
