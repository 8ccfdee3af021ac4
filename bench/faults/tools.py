"""Programs beside Portico: the provider, the proxy that fails, callers, clients that mean no good (all of `bench/speed`), and
Redis."""

import json
import os
import signal
import subprocess
import time
import urllib.request

from operate import free_port


def started(options, program, *args):
    """One that listens to its standard input, and ends with it and so with this process."""
    path = os.path.join(options.tools, program)
    return subprocess.Popen([path, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Provider:
    """Speaks OpenAI: a short answer after `wait_ms`, or a stream of `words` words, `pace_ms` apart."""

    TOKENS_IN, TOKENS_OUT = 12, 17

    def __init__(self, options, words, pace_ms, wait_ms):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        args = ["--listen", f"127.0.0.1:{self.port}", "--tokens", words, "--pace-ms", pace_ms, "--delay-ms", wait_ms]
        self.child = started(options, "provider", *args)

    def counted(self):
        return json.loads(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counted", None, 5).read())

    def kill(self):
        self.child.kill()
        self.child.wait()


class Proxy:
    """Stands before a port, and fails as it is told: `say("blackhole")`."""

    def __init__(self, options, port):
        self.port = free_port()
        self.child = started(options, "fault_proxy", "--listen", f"127.0.0.1:{self.port}", "--to", f"127.0.0.1:{port}")

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        if self.child.stdout.readline().strip() != "ok":
            raise SystemExit(f"the proxy does not know {line}")

    def kill(self):
        self.child.kill()
        self.child.wait()


class Redis:
    def __init__(self, folder):
        self.folder, self.port, self.child = folder, free_port(), None
        self.start()

    def start(self):
        args = ["--port", self.port, "--save", "", "--maxmemory-policy", "noeviction", "--dir", self.folder]
        self.child = subprocess.Popen(["redis-server", *map(str, args)], stdout=subprocess.DEVNULL)

    def signal(self, number):
        self.child.send_signal(number)

    def kill(self):
        self.child.send_signal(signal.SIGCONT)
        self.child.kill()
        self.child.wait()


class Load:
    """Callers of an org, until they are stopped; then `calls` says how each of theirs ended."""

    def __init__(self, cell, org, singles=4, streams=4, pause_ms=50, rate=0, max_tokens=64, silence_secs=120):
        self.org, self.cell = org, cell
        cell.loads = getattr(cell, "loads", 0) + 1
        self.out = os.path.join(cell.folder, f"calls-{cell.loads}.jsonl")
        self.child = started(
            cell.options, "callers", "--to", f"127.0.0.1:{cell.edge_port}", "--key", org.key, "--out", self.out,
            "--singles", singles, "--streams", streams, "--pause-ms", pause_ms, "--rate", rate,
            "--max-tokens", max_tokens, "--silence-secs", silence_secs,
        )
        self.calls = []

    def ask_no_more(self):
        self.child.stdin.close()

    def stop(self):
        """Waits for what is under way."""
        self.ask_no_more()
        self.child.wait()
        self.calls = [json.loads(line) for line in open(self.out)]


class Hostile:
    """Clients of one kind, until they are stopped; gives what they saw."""

    def __init__(self, cell, kind, port, key="none", sockets=5000):
        self.child = started(
            cell.options, "hostile", "--kind", kind, "--to", f"127.0.0.1:{port}", "--key", key, "--sockets", sockets,
        )

    def stop(self):
        self.child.stdin.close()
        told = self.child.stdout.read()
        self.child.wait()
        return json.loads(told or "{}")


def until(true, seconds, what):
    """Waits for it; gives how many seconds it took."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise SystemExit(f"not {what} within {seconds} s")
        time.sleep(0.1)
    return time.monotonic() - began
