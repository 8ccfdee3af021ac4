"""One process of Portico."""

import collections
import json
import os
import signal
import subprocess
import time
import urllib.request

from operate import free_port


class Node:
    def __init__(self, cell, region, at):
        self.cell, self.region, self.name = cell, region, f"{region}-{at}"
        self.port, self.ops, self.child = free_port(), free_port(), None
        # The first of each region speaks TLS, where a scenario wants one that does.
        self.tls = cell.tls and at == 1
        self.data = os.path.join(cell.folder, f"portico-{region}")
        self.log = os.path.join(cell.folder, f"{self.name}.log")
        self.config = os.path.join(cell.folder, f"{self.name}.toml")
        with open(self.config, "w") as file:
            file.write(self.configured())

    def configured(self):
        cell, at = self.cell, self.cell.regions.index(self.region)
        tls = f'tls_cert_file = "{cell.tls}/cert.pem"\ntls_key_file = "{cell.tls}/key.pem"' if self.tls else ""
        return f"""node = "{self.name}"
data = "{self.data}"
regions = ["{self.region}"]
production = {str(cell.production).lower()}
[cell]
shared = true
[limits]
store = "redis://127.0.0.1:{cell.redis_port}/{at}"
nodes = {cell.counts[self.region]}
# The machine is busy with more than this.
timeout_ms = 1000
[listen]
address = "127.0.0.1:{self.port}"
ops = "127.0.0.1:{self.ops}"
trusted_proxies = ["127.0.0.0/8"]
drain_wait_ms = 1500
drain_timeout_ms = 90000
{tls}
[log]
level = "warn"
[record]
log = "faults.invalid"
publish_secs = 2
[session]
secure_cookies = false
{cell.databases["directory"]}{cell.databases[self.region]}
{cell.catalogue(self.region)}"""

    def start(self):
        with open(self.log, "a") as log:
            self.child = subprocess.Popen([self.cell.options.program, "serve", "--config", self.config], stderr=log, stdout=log)

    def said(self):
        return open(self.log).read() if os.path.exists(self.log) else ""

    def words(self):
        """What it said, each thing once, with how often and when first."""
        said, first = collections.Counter(), {}
        for line in self.said().splitlines():
            told = json.loads(line) if line.startswith("{") else {"message": line}
            what = f"{told.get('level', '')} {told['message']}" + (f": {told['error']}" if "error" in told else "")
            said[what] += 1
            first.setdefault(what, told.get("timestamp", "")[11:23])
        return [f"{first[what]} {n} x {what}" for what, n in said.items()]

    def is_ready(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.ops}/readyz", None, 1).status == 200
        except OSError:
            return False

    def ready(self, within=60):
        until = time.monotonic() + within
        while not self.is_ready():
            if self.child.poll() is not None:
                raise SystemExit(f"{self.name} ended: {self.said()[-2000:]}")
            if time.monotonic() > until:
                raise SystemExit(f"{self.name} is not ready after {within} s: {self.said()[-2000:]}")
            time.sleep(0.05)

    def restart(self):
        """In order: asked to stop, gone, back. Gives the code it ended with."""
        self.child.send_signal(signal.SIGTERM)
        code = self.child.wait()
        self.start()
        self.ready()
        return code

    def kill(self):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def metrics(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.ops}/metrics", None, 5).read().decode()
        except OSError:
            return ""

    def resident(self):
        """MiB in memory, and the most that it ever was."""
        found = {}
        for line in open(f"/proc/{self.child.pid}/status"):
            name, _, rest = line.partition(":")
            if name in ("VmRSS", "VmHWM"):
                found[name] = int(rest.split()[0]) // 1024
        return found["VmRSS"], found["VmHWM"]
