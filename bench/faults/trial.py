"""One run of a scenario: what was done when, what was measured, and how that stands to the bar."""

import collections
import contextlib
import sys
import time

import record


def say(text):
    """To a person who waits."""
    if sys.stderr.isatty():
        print(f"   {text}", file=sys.stderr)


class Trial:
    def __init__(self, name, title):
        self.name, self.title = name, title
        self.began = time.time()
        self.marks, self.figures, self.bars, self.calls, self.loads = [], {}, [], [], []

    @contextlib.contextmanager
    def fault(self, label):
        """The time in which something is broken."""
        say(label)
        begun = time.time()
        yield
        self.marks.append({"from": begun, "to": time.time(), "label": label})

    def load(self, load):
        self.loads.append(load)
        return load

    def stop(self):
        """Ends all loads and keeps their calls."""
        for load in self.loads:
            load.ask_no_more()
        for load in self.loads:
            load.stop()
            self.calls += load.calls

    def judged(self, cell):
        """Of all orgs that called, together; also a bar of every scenario."""
        figures = None
        for org in dict.fromkeys(load.org for load in self.loads):
            calls = [call for load in self.loads if load.org is org for call in load.calls]
            figures = record.added(record.judged(cell, org, calls), figures)
        self.figures["record"] = figures
        self.bar(
            "nothing answered is missing, no call is open or ended twice, no gap, ledger equals record, none processed outside",
            f"{figures['wholeAndMissing']} missing of {figures['whole']}, {figures['open']} open, {figures['endedTwice']} twice, "
            f"{figures['gaps']} gaps, ledger minus record {figures['ledgerMinusRecord']['nanocents']}, {figures['outsideTheRegion']} outside",
            record.sound(figures),
        )
        return figures

    def ended(self, *loads, stream=None):
        """How the calls of these loads ended; of all without any."""
        calls = [call for load in loads for call in load.calls] if loads else self.calls
        counted = collections.Counter(
            call["how"] + (f" {call['code']}" if call["code"] else "")
            for call in calls if stream is None or call["stream"] == stream
        )
        return dict(counted.most_common())

    def broken_at(self, at):
        """What was broken then, and since when."""
        for mark in self.marks:
            if mark["from"] <= at <= mark["to"] + 5:
                return f"{mark['label']}, {at - mark['from']:.1f} s"
        return "nothing"

    def when(self, load, *fine):
        """Of the first calls that ended otherwise than well or as named: what was broken when they were sent."""
        return [
            f"{call['how']} {call['code']} after {call['ended'] - call['sent']} ms: {self.broken_at(call['sent'] / 1000)}"
            for call in load.calls if bad({f"{call['how']} {call['code']}".strip(): 1}, *fine)
        ][:20]

    def bar(self, what, measured, met):
        self.bars.append({"bar": what, "measured": str(measured), "met": bool(met)})

    def none(self, what, counted):
        """A bar of zero."""
        self.bar(what, counted, not counted)

    def told(self, options):
        return {
            "scenario": self.name, "title": self.title, "short": options.short, "build": options.build,
            "seconds": round(time.time() - self.began), "answers": self.ended(stream=False), "streams": self.ended(stream=True),
            "figures": self.figures, "bars": self.bars, "marks": self.marks, "met": all(one["met"] for one in self.bars),
        }


def bad(ended, *fine):
    """How many ended otherwise than `ok` or as named."""
    return sum(count for how, count in ended.items() if how != "ok" and how not in fine)
