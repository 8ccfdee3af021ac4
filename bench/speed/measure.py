"""What a call costs, beside a bare proxy and peers, in one interleaved run.

Usage: measure.py PORTICO PROGRAMS [--rounds N] [--seconds N] [--page FILE] [--json] [--without NAME …]
(PORTICO: the release binary; PROGRAMS: `target/release` of this folder. `cargo xtask bench` builds both.)

Each round times every contender once, one after the other, so that a busy moment of the machine
falls on all of them. CPU time is that of the contender's processes from the kernel's count;
PostgreSQL and Redis are not in it. PSS is the share of memory that is its own.
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

from contenders import HERE, Direct, Floor, LiteLLM, Portico, Portkey, Unreachable
from page import written

TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
# How many call at once; peers not the most, which they do not bear: 32 keep two cores busy.
CALLERS = [1, 32, 256]


def say(text):
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def tree(pid):
    found = [pid]
    for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split():
        found += tree(int(child))
    return found


def cpu_us(contender):
    total = 0
    for pid in [one for root in contender.pids for one in tree(root)]:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total * TICK_US


def pss_mb(contender):
    total = 0
    for pid in [one for root in contender.pids for one in tree(root)]:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))
    return total / 1024


def micros(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1_000, "s": 1_000_000}[unit]


def closed(contender, stream, callers, seconds):
    """As many calls as `callers` make that each wait for their answer."""
    env = {**os.environ, **contender.env, "KEY": contender.key, "STREAM": "1" if stream else "0"}
    command = ["wrk", "-t1", f"-c{callers}", "--timeout", "10s", "--latency", "-s", f"{HERE}/ask.lua"]
    subprocess.run([*command, "-d1s", contender.url()], env=env, capture_output=True)
    before = cpu_us(contender)
    done = subprocess.run([*command, f"-d{seconds}s", contender.url()], env=env, capture_output=True, text=True)
    used = cpu_us(contender) - before
    count = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    return {
        "perSecond": float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1)),
        "p50Micros": micros(re.search(r"^ +50% +(\S+)", done.stdout, re.M).group(1)),
        "p99Micros": micros(re.search(r"^ +99% +(\S+)", done.stdout, re.M).group(1)),
        "cpuMicros": used / max(count, 1),
        "pssMb": pss_mb(contender),
        "failed": int(bad.group(1)) if bad else 0,
    }


def load(programs, contender, model, **options):
    """One run of the load that measures from when it meant to ask."""
    given = [word for name, value in options.items() for word in [f"--{name}", *([] if value is True else [str(value)])]]
    done = subprocess.run(
        [f"{programs}/load", "--url", contender.url(), "--key", contender.key, "--model", model, *given],
        capture_output=True, text=True, check=True,
    )
    return json.loads(done.stdout)


def medians(runs):
    """Of each number in runs of one shape."""
    return {
        name: medians([run[name] for run in runs]) if isinstance(value, dict)
        else statistics.median(run[name] for run in runs)
        for name, value in runs[0].items()
    }


def contenders(args, folder, direct, paced):
    """Those that can be had, and why the others cannot."""
    makers = {
        "floor": lambda: Floor(args.programs, folder, direct),
        "portico-sqlite": lambda: Portico(args.portico, folder, direct, paced, "sqlite"),
        "portico-postgres": lambda: Portico(args.portico, folder, direct, paced, "postgres"),
        "portkey": lambda: Portkey(args.cache, folder, direct),
        "litellm": lambda: LiteLLM(args.cache, folder, direct),
    }
    found, missing = [direct], {}
    for name, make in makers.items():
        if name in args.without:
            continue
        say(f"starting {name}")
        try:
            found.append(make())
        except Unreachable as why:
            missing[name] = str(why)
            print(f"skipped {name}: {why}", file=sys.stderr)
    return found, missing


def is_peer(contender):
    return isinstance(contender, (LiteLLM, Portkey))


def measured(args, folder, running):
    direct, paced = Direct(args.programs, folder), Direct(args.programs, folder, pace=20)
    beneath = Floor(args.programs, folder, paced)
    running += [direct, paced, beneath]
    found, missing = contenders(args, folder, direct, paced)
    running += found[1:]
    rows, steady, events = {}, {}, {}
    for at in range(args.rounds):
        for stream in [False, True]:
            for callers in CALLERS:
                for one in found:
                    if is_peer(one) and callers == CALLERS[-1]:
                        continue
                    say(f"round {at + 1} of {args.rounds}: {one.name}, {'streams' if stream else 'answers'}, {callers}")
                    key = (one.name, stream, callers)
                    rows.setdefault(key, []).append(closed(one, stream, callers, args.seconds))
        ours = [one for one in found if not is_peer(one)]
        for one in ours:
            say(f"round {at + 1} of {args.rounds}: {one.name}, at a fixed rate and paced")
            for size in [1_000, 100_000, 1_000_000]:
                rate = {1_000: 1_000, 100_000: 200, 1_000_000: 20}[size]
                seen = load(args.programs, one, "mock-model", rate=rate, bytes=size, seconds=args.seconds)
                steady.setdefault((one.name, size, rate), []).append(seen)
        for one in [paced, beneath, *(one for one in ours if isinstance(one, Portico))]:
            seen = load(args.programs, one, "paced", rate=40, seconds=args.seconds, stream=True)
            events.setdefault(one.name, []).append(seen)
    return {
        "closed": [
            {"contender": name, "stream": stream, "callers": callers, **medians(runs)}
            for (name, stream, callers), runs in rows.items()
        ],
        "fixedRate": [
            {"contender": name, "bytes": size, "perSecond": rate, **medians(runs)}
            for (name, size, rate), runs in steady.items()
        ],
        "paced": [{"contender": name, **medians(runs)} for name, runs in events.items()],
        "skipped": missing,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("portico", type=os.path.abspath)
    parser.add_argument("programs", type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--cache", default=os.path.join(HERE, "target", "peers"), help="where peers are installed")
    parser.add_argument("--without", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--page", help="a Markdown file to write, pictures beside it")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: apt-get install wrk")
    folder, running = tempfile.mkdtemp(prefix="portico-speed-"), []
    os.chmod(folder, 0o755)
    try:
        found = measured(args, folder, running)
    finally:
        for one in running:
            one.stop()
        shutil.rmtree(folder, ignore_errors=True)
    found |= {"rounds": args.rounds, "seconds": args.seconds, "cores": os.cpu_count()}
    if args.page:
        written(found, args.page)
    print(json.dumps(found) if args.json else written(found))


if __name__ == "__main__":
    main()
