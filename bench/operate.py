"""What an operator does before anybody can call, for benches that need an org that calls."""

import json
import random
import socket
import subprocess


def free_port():
    """Below those that the system gives to connections: one of them would take it before it is used."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def databases(postgres, *names):
    """Makes them, with the roles of the product, and says how its configuration names them."""
    roles = "CREATE ROLE portico_owner LOGIN CREATEDB; CREATE ROLE portico_app LOGIN IN ROLE pg_read_all_stats;"
    postgres.psql("postgres", roles)
    text = ""
    for name in names:
        postgres.psql("postgres", f"CREATE DATABASE {name} OWNER portico_owner;")
        at = f"127.0.0.1:{postgres.port}/{name}"
        text += (
            f'[database.{name}]\nurl = "postgres://portico_app@{at}"\n'
            f'owner_url = "postgres://portico_owner@{at}"\n'
        )
    return text


class Operator:
    """The command line of a Portico."""

    def __init__(self, program, config):
        self.program, self.config = program, config

    def run(self, *args, text=""):
        done = subprocess.run([self.program, *args, "--config", self.config], input=text, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"portico {' '.join(args)}: {done.stderr}")
        return done.stdout

    def json(self, *args, text=""):
        return json.loads(self.run(*args, "--json", text=text))

    def org(self, region, password="correct horse battery staple", slug="acme"):
        """An org, its owner, and a key of theirs."""
        org = self.json("org", "create", "--name", "Acme", "--slug", slug, "--region", region)["id"]
        who = ["--email", f"owner@{slug}.example", "--name", "Olivia Owner", "--role", "org:owner"]
        owner = self.json("member", "create", "--org", slug, *who, text=f"{password}\n")["id"]
        key = self.json("key", "create", "--org", slug, "--owner", owner, "--name", "bench")["key"]
        return org, owner, key
