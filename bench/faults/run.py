"""Breaks what Portico stands on, under load, and says how that went: `run.py [SCENARIO...] --program PORTICO --tools FOLDER`.

Each scenario starts cells of its own (PostgreSQL, Redis, nodes, HAProxy before them, providers), breaks parts of them while
callers ask and streams run, and ends in measured figures and a verdict against its bar. Exits with 1 if one missed its bar.
"""

import argparse
import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys

# What benches share.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from picture import page, timeline
from trial import say

SCENARIOS = ["rolling", "kills", "limits", "directory", "database", "redis", "provider", "disk", "hostile", "failover"]
# Where to find it, and what has it on Debian.
NEEDED = {"haproxy": "haproxy", "redis-server": "redis-server", "openssl": "openssl"}
ALSO = {"failover": {"patroni": "patroni", "etcd": "etcd-server", "ip": "iproute2"}}


def provided(scenarios):
    """Installs what is missing where it may, or says so in one line."""
    wanted = dict(NEEDED)
    for name in scenarios:
        wanted |= ALSO.get(name, {})
    missing = sorted({package for tool, package in wanted.items() if not shutil.which(tool)})
    if not os.path.isdir("/usr/lib/postgresql"):
        missing.append("postgresql")
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if os.getuid() or not shutil.which("apt-get"):
        raise SystemExit(f"not found: install it first (on Debian: apt-get install {' '.join(missing)})")
    say(f"installing {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in [["apt-get", "update", "-qq"], command]:
        done = subprocess.run(step, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise SystemExit(f"{' '.join(step)}: {done.stderr.strip().splitlines()[-1]}")


def shown(told):
    print(f"{told['title']} ({told['scenario']}, {told['seconds']} s, {told['build']})")
    for one in told["bars"]:
        print(f"  {'met   ' if one['met'] else 'MISSED'} {one['bar']}: {one['measured']}")
    for what in ["answers", "streams"]:
        print(f"  {what}: " + ", ".join(f"{name} {n}" for name, n in told[what].items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all of them if none is named")
    parser.add_argument("--program", required=True, help="the portico to try")
    parser.add_argument("--tools", required=True, help="the folder of the programs of bench/speed")
    parser.add_argument("--short", action="store_true", help="a form of each that takes about a minute")
    parser.add_argument("--times", type=int, help="how many restarts or kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-watchdog", action="store_true", help="failover: whoever stood still goes on")
    parser.add_argument("--build", default="", help="what the program is, for the page")
    parser.add_argument("--keep", help="a folder that keeps what was measured, for --page")
    parser.add_argument("--page", help="write this page, with its pictures beside it, of all that is kept")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"no such scenario: {unknown[0]} (one of {', '.join(SCENARIOS)})")
    if options.page and not options.keep:
        parser.error("--page shows what --keep FOLDER has")
    options.program, options.tools = os.path.abspath(options.program), os.path.abspath(options.tools)
    scenarios = options.scenarios or SCENARIOS
    provided(scenarios)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # A scenario that is stopped takes down what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    found = []
    for name in scenarios:
        say(name)
        trial = importlib.import_module(f"scenarios.{name}").run(options)
        found.append(trial.told(options))
        if options.keep:
            os.makedirs(options.keep, exist_ok=True)
            with open(os.path.join(options.keep, f"{name}.json"), "w") as file:
                json.dump(found[-1], file, indent=1)
            with open(os.path.join(options.keep, f"{name}.svg"), "w") as file:
                file.write(timeline(trial))
        if not options.json:
            shown(found[-1])
    if options.page:
        page(options.page, options.keep, SCENARIOS)
    if options.json:
        print(json.dumps(found))
    return all(told["met"] for told in found)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
