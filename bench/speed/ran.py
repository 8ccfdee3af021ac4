"""Which functions of Portico run when it serves, those that cost most first.

Usage: ran.py PORTICO PROGRAMS FILE
(PORTICO: a release binary with its symbols; PROGRAMS: `target/release` of this folder; FILE: one symbol a line,
for `--symbol-ordering-file` of LLD. `cargo xtask release` builds and links with it.)

Runs it under callgrind from its start to its end, on SQLite and on PostgreSQL with Redis, answering whole and streamed.
"""

import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from contenders import HERE, Direct, Portico

SECONDS = 15


class Watched(Portico):
    """It runs some thirty times as slowly."""

    def serve(self):
        self.ran = os.path.join(self.folder, "ran")
        # With its memory as it is set, it does not begin again as another process.
        watched = ["env", "MIMALLOC_PURGE_DELAY=10", "valgrind", "--tool=callgrind", "--demangle=no"]
        self.spawn(*watched, f"--callgrind-out-file={self.ran}", self.program, "serve", "--config", self.config)
        self.children.insert(0, self.children.pop())
        self.answers(300)

    def end(self):
        """To its own end, at which what ran is written."""
        self.children[0].send_signal(signal.SIGTERM)
        self.children[0].wait(300)
        return costs(self.ran)


def costs(file):
    """Instructions of each function, without those of functions that it called."""
    names, found, called = {}, collections.Counter(), False
    with open(file, errors="replace") as lines:
        for line in lines:
            if named := re.match(r"c?fn=\((\d+)\)(?: (\S+))?", line):
                number, name = named.groups()
                if name:
                    # What is called anew within itself has a number behind it.
                    names[number] = re.sub(r"'\d+$", "", name)
                current = number if line.startswith("fn=") else current
            elif line.startswith("calls="):
                called = True
            elif line[0] in "0123456789+-*":
                if not called:
                    found[names[current]] += int(line.split()[-1])
                called = False
    return found


def main():
    program, programs, file = map(os.path.abspath, sys.argv[1:4])
    folder, running, found = tempfile.mkdtemp(prefix="portico-ran-"), [], collections.Counter()
    os.chmod(folder, 0o755)
    try:
        direct, paced = Direct(programs, folder), Direct(programs, folder, pace=20)
        running += [direct, paced]
        for engine in ["sqlite", "postgres"]:
            one = Watched(program, folder, direct, paced, engine)
            running.append(one)
            for stream in ["0", "1"]:
                env = {**os.environ, "KEY": one.key, "STREAM": stream}
                load = ["wrk", "-t1", "-c8", f"-d{SECONDS}s", "--timeout", "30s", "-s", f"{HERE}/ask.lua", one.url()]
                done = subprocess.run(load, env=env, capture_output=True, text=True, check=True)
                answered = int(re.search(r"(\d+) requests in", done.stdout).group(1))
                # So slow a node misses a deadline now and then.
                refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
                if answered - int(refused.group(1) if refused else 0) < 100:
                    raise SystemExit(f"too little was answered under callgrind: {done.stdout}")
            found += one.end()
    finally:
        for one in running:
            one.stop()
        shutil.rmtree(folder, ignore_errors=True)
    with open(file, "w") as order:
        order.writelines(f"{name}\n" for name, _ in found.most_common())
    print(f"{len(found)} functions ran")


if __name__ == "__main__":
    main()
