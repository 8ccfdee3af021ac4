"""Times every page of the console in a large org, as one reader over loopback.

Seeds an org with 10,000 patterns, 1,000 members and 1,000,000 events, then opens each page
many times and prints p50 and p95 in milliseconds and the packed size of a first view. The
times are those of a client: they hold the server's own and a little more.

Usage: measure.py PORTICO [--events N] [--patterns N] [--members N] [--rounds N] [--json]
"""

import argparse
import gzip
import http.client
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from operate import Operator, free_port

PASSWORD = "correct horse battery"
HOUR_MICROS = 3_600_000_000


def say(text):
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


class Portico:
    """A server of its own in a folder of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.port, self.ops = free_port(), free_port()
        self.config = os.path.join(folder, "portico.toml")
        with open(self.config, "w") as file:
            file.write(
                f'data = "data"\nregions = ["eu"]\n[listen]\naddress = "127.0.0.1:{self.port}"\n'
                f'ops = "127.0.0.1:{self.ops}"\n[session]\nsecure_cookies = false\n[log]\nlevel = "warn"\n'
            )
        self.operator = Operator(program, self.config)
        self.operator.run("migrate")
        self.child = None

    def serve(self):
        self.child = subprocess.Popen([self.program, "serve", "--config", self.config])
        for _ in range(600):
            try:
                probe = http.client.HTTPConnection("127.0.0.1", self.ops, timeout=2)
                probe.request("GET", "/readyz")
                if probe.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        sys.exit("not ready")

    def stop(self):
        if self.child:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait()
            self.child = None


class Reader:
    """One connection, with its cookies."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookie = ""

    def ask(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if self.cookie:
            headers["Cookie"] = self.cookie
        self.connection.request(method, path, body=body, headers=headers)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def sign_in(self):
        body = json.dumps({"org": "acme", "email": "owner@acme.example", "password": PASSWORD})
        answer, text = self.ask("POST", "/api/session", body, {"Content-Type": "application/json"})
        if answer.status != 201:
            sys.exit(f"sign-in: {answer.status} {text!r}")
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]


def seed_members(reader, key, count):
    for n in range(count):
        body = json.dumps({"email": f"person.{n:05}@acme.example", "role": "org:member"})
        head = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        answer, text = reader.ask("POST", "/api/members", body, head)
        if answer.status != 201:
            sys.exit(f"member {n}: {answer.status} {text!r}")


def seed_patterns(reader, key, count):
    topics = "invoice password travel laptop contract holiday parking visitor expense badge".split()
    head = {"Content-Type": "application/yaml", "Authorization": f"Bearer {key}"}
    for start in range(0, count, 500):
        lines = ["patterns:"]
        for n in range(start, min(start + 500, count)):
            topic = topics[n % len(topics)]
            lines += [
                f"  - slug: {topic}-{n:05}", f"    name: About {topic} number {n}",
                f"    triggers: [\"What about {topic} {n}?\", \"How does {topic} case {n} work?\"]",
                f"    answer: The {topic} of case {n} is handled by desk {n % 40}.",
            ]
        answer, text = reader.ask("POST", "/api/patterns/import", "\n".join(lines) + "\n", head)
        if answer.status != 200:
            sys.exit(f"patterns: {answer.status} {text[:500]!r}")


def events(org, members, count, begins, ends):
    """Bodies of events as the record writes them: calls of all members over 60 days."""
    choose = random.Random(7)
    for n in range(count):
        at = begins + (ends - begins) * n // count
        member = members[choose.randrange(len(members))]
        call = f"call_{n:026}"
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1_000_000)) + f".{at % 1_000_000:06}Z"
        started = at - choose.randrange(200_000, 4_000_000)
        begun = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(started // 1_000_000))
        begun += f".{started % 1_000_000:06}Z"
        outcome = "success" if choose.random() < 0.97 else "failed"
        tokens = choose.randrange(50, 4_000)
        body = {
            "v": 0, "organizationId": org, "userId": member, "actorKind": "member",
            "action": "gateway.call.ended", "resourceType": "call", "resourceId": call,
            "outcome": outcome, "ipAddress": "10.0.0.1", "userAgent": "openai-python/3.54.0",
            "timestamp": stamp, "requestId": f"req_{n:026}", "region": "eu", "changes": None,
            "call": {
                "model": choose.choice(["small", "large", "patterns"]), "provider": "acme",
                "endpoint": "eu-1", "providerRegion": "eu", "tokensIn": tokens,
                "tokensOut": tokens // 3, "estimated": False, "priceNanocents": tokens * 250_000,
                "attempts": 1, "startedAt": begun,
            },
            "node": "portico",
        }
        yield at, member, call, outcome, json.dumps(body, separators=(",", ":"))


def seed_events(folder, org, count):
    database = sqlite3.connect(os.path.join(folder, "data", "eu.db"))
    (size,) = database.execute("SELECT size FROM audit_head WHERE org_id = ?", (org,)).fetchone()
    members = [row[0] for row in database.execute("SELECT member_id FROM identity_member")]
    now = time.time_ns() // 1_000
    rows = (
        (org, size + n, at, "gateway.call.ended", member, "call", call, outcome, body)
        for n, (at, member, call, outcome, body) in enumerate(
            events(org, members, count, now - 60 * 24 * HOUR_MICROS, now)
        )
    )
    with database:
        database.executemany("INSERT INTO audit_event VALUES (?,?,?,?,?,?,?,?,?)", rows)
        database.execute("UPDATE audit_head SET size = ? WHERE org_id = ?", (size + count, org))
    database.close()


def concrete(reader, key):
    """Pages of the console, with one real id for each that takes one."""
    head = {"Authorization": f"Bearer {key}"}

    def first(path, field="id"):
        _, text = reader.ask("GET", path, headers=head)
        items = json.loads(text).get("items", [])
        return items[0][field] if items else None

    pattern, member = first("/api/patterns?limit=1"), first("/api/members?limit=1")
    event = first("/api/events?limit=1&action=gateway.call.ended", "sequence")
    day = lambda back: time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - back * 86_400))
    span = urllib.parse.urlencode({"from": day(20), "to": day(13)})
    return [
        "/", "/chat", "/patterns", "/patterns?q=travel+visitor", "/patterns?state=draft",
        f"/patterns/{pattern}", f"/patterns/{pattern}/edit", f"/patterns/{pattern}/versions",
        "/patterns/new", "/models", "/keys", "/members", "/members?q=person.0075",
        f"/members/{member}", "/teams", "/services", "/roles", "/grants", "/access", "/limits",
        "/usage", "/record", f"/record?{span}", f"/record?user={member}",
        "/record?action=identity.member.invited", "/record?action=identity.%2A",
        "/record?outcome=failed", "/record?outcome=denied", f"/record/{event}",
        "/settings", "/settings/access", "/settings/retention", "/me",
    ]


def p(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def first_view(reader, text):
    """Packed bytes of a page and of all that it asks for."""
    size = len(text)
    page = gzip.decompress(text).decode()
    for url in sorted(set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', page))):
        _, asset = reader.ask("GET", url, headers={"Accept-Encoding": "gzip"})
        size += len(asset)
    return size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("portico")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--patterns", type=int, default=10_000)
    parser.add_argument("--members", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        portico = Portico(os.path.abspath(options.portico), folder)
        org, _, key = portico.operator.org("eu", PASSWORD)
        try:
            portico.serve()
            reader = Reader(portico.port)
            say("members")
            seed_members(reader, key, options.members)
            say("patterns")
            seed_patterns(reader, key, options.patterns)
            portico.stop()
            say("events")
            seed_events(folder, org, options.events)
            portico.serve()
            reader = Reader(portico.port)
            reader.sign_in()
            report(reader, key, options)
        finally:
            portico.stop()


def report(reader, key, options):
    begun = time.monotonic()
    say("usage is folded")
    head = {"Authorization": f"Bearer {key}"}
    while "until" in json.loads(reader.ask("GET", "/api/usage/series", headers=head)[1]):
        if time.monotonic() - begun > 1_800:
            sys.exit("the usage is not folded after half an hour")
        time.sleep(1)
    folded = time.monotonic() - begun
    rows = []
    for path in concrete(reader, key):
        times, text = [], b""
        for _ in range(options.rounds):
            asked = time.perf_counter()
            answer, text = reader.ask("GET", path, headers={"Accept-Encoding": "gzip"})
            times.append((time.perf_counter() - asked) * 1_000)
            if answer.status != 200:
                sys.exit(f"{path}: {answer.status} {text[:300]!r}")
        times = times[3:]
        rows.append({"page": path, "p50_ms": round(p(times, 0.5), 2), "p95_ms": round(p(times, 0.95), 2),
                     "first_view_bytes": first_view(reader, text)})
        say(f"{path}: {rows[-1]}")
    if options.json:
        print(json.dumps({"pages": rows, "first_fold_s": round(folded, 1)}))
        return
    print(f"{'page':<60} {'p50 ms':>8} {'p95 ms':>8} {'first view':>11}")
    for row in rows:
        print(f"{row['page'][:60]:<60} {row['p50_ms']:>8} {row['p95_ms']:>8} {row['first_view_bytes'] / 1000:>8.1f} kB")
    worst = max(row["p95_ms"] for row in rows)
    print(f"worst p95: {worst} ms; first folding of the usage: {folded:.1f} s")


main()
