"""What a scenario plays on: cells of Portico on one machine, each with its nodes, databases and counters; an edge
(HAProxy) before them that knows the region from the key; a provider in each region; and orgs that call.

Everything is of this process alone, in a folder that ends with it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from operate import Operator, databases, free_port
from postgres import Postgres

from node import Node
from tools import Provider, Proxy, Redis, until

# What the edge says by itself.
NO_NODE_READY = '{"error":{"message":"no node is ready","type":"server_error","param":null,"code":"no_node_ready"}}'


class Org:
    """One that calls, and its owner's key."""

    def __init__(self, cell, region, slug):
        self.region, self.slug = region, slug
        self.id, _, self.key = cell.operator(region).org(region, slug=slug)


class Cell:
    """`nodes`: how many serve each region. What is in `through` (`directory`, a region's database, `redis`) is reached
    through a proxy that can fail: `cell.proxies[name]`."""

    production = False

    def __init__(self, options, nodes, words=25, pace_ms=200, wait_ms=20, through=(), gateway="", tls=None):
        self.options, self.through = options, through
        self.words, self.pace_ms, self.wait_ms, self.gateway, self.tls = words, pace_ms, wait_ms, gateway, tls
        self.folder = tempfile.mkdtemp(prefix="portico-faults-")
        os.chmod(self.folder, 0o755)
        self.regions, self.counts = list(nodes), nodes
        self.edge_port = free_port()
        self.proxies, self.children, self.providers, self.orgs = {}, [], {}, []
        self.nodes = []
        try:
            self.start(nodes)
        except BaseException:
            self.tell()
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.tell()
        self.stop()

    def database(self, name):
        """One server for all; a scenario may have others."""
        return Postgres(os.path.join(self.folder, name), "max_connections=300")

    def proxied(self, name, port):
        if name not in self.through:
            return port
        self.proxies[name] = Proxy(self.options, port)
        return self.proxies[name].port

    def start(self, nodes):
        self.postgres = self.database("postgres")
        told = databases(self.postgres, "directory", *self.regions).split("[database.")[1:]
        self.databases = {}
        for name, text in zip(["directory", *self.regions], told):
            port = self.proxied(name, self.postgres.port)
            self.databases[name] = "[database." + text.replace(f":{self.postgres.port}/", f":{port}/")
        self.redis = Redis(self.folder)
        self.redis_port = self.proxied("redis", self.redis.port)
        for region in self.regions:
            self.providers[region] = Provider(self.options, self.words, self.pace_ms, self.wait_ms)
        self.nodes = [Node(self, region, at + 1) for region, count in nodes.items() for at in range(count)]
        for region in self.regions:
            self.operator(region).run("migrate")
        self.orgs = [Org(self, region, f"acme-{region}") for region in self.regions]
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.ready()
        self.edge()
        for org in self.orgs:
            until(lambda: self.ask(org, "GET", "/v1/models")[0] == 200, 30, f"called through the edge as {org.slug}")
        for org in self.orgs:
            self.limit(org, money_per_month="100000.00", concurrency=1000)

    def of(self, region):
        return [node for node in self.nodes if node.region == region]

    def operator(self, region):
        return Operator(self.options.program, self.of(region)[0].config)

    def catalogue(self, region):
        """The part of a node's configuration that says where models are: each region has a provider of its own."""
        text = self.gateway or "".join(
            f'[gateway.endpoints.{name}]\nspeaks = "openai"\nbase_url = "{it.url}"\nregion = "{name}"\n'
            for name, it in self.providers.items()
        )
        if "[gateway.models.fixed]" not in text:
            text += "[gateway.models.fixed]\nroutes = [" + ", ".join(f'{{ endpoint = "{name}" }}' for name in self.providers) + "]\n"
        return text + 'prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2000.00" }]\n'

    def edge(self):
        """Knows the region from the key; asks each node five times a second whether it is ready, and asks another one again
        where a node gave no answer. Where none is ready it refuses in the words of the API."""
        backends = ""
        for region in self.regions:
            servers = "\n".join(
                f"  server {node.name} 127.0.0.1:{node.port} check port {node.ops} inter 200 fall 1 rise 1"
                + (" no-check-ssl ssl verify none alpn http/1.1" if node.tls else "")
                for node in self.of(region)
            )
            backends += (
                f"backend {region}\n  balance leastconn\n  option http-buffer-request\n  option httpchk GET /readyz\n{servers}\n"
            )
        choices = "\n".join(
            f'  use_backend {region} if {{ req.hdr(authorization) -m beg "Bearer pk_{region}_" }}' for region in self.regions
        )
        path = os.path.join(self.folder, "haproxy.cfg")
        with open(path, "w") as file:
            file.write(f"""global
  maxconn 8000
  tune.bufsize 65536
defaults
  mode http
  timeout connect 500
  timeout client 300s
  timeout server 300s
  timeout check 2s
  retries 4
  option redispatch 1
  retry-on conn-failure empty-response response-timeout
  http-error status 503 content-type application/json hdr retry-after 1 string '{NO_NODE_READY}'
frontend edge
  bind 127.0.0.1:{self.edge_port}
{choices}
  default_backend {self.regions[0]}
{backends}""")
        self.children.append(subprocess.Popen(["haproxy", "-f", path, "-db"], stderr=subprocess.DEVNULL))

    def org(self, region, slug):
        """One more."""
        self.orgs.append(Org(self, region, slug))
        return self.orgs[-1]

    def ask(self, org, method, path, body=None, timeout=60):
        """The status and the text; 0 where nobody answered."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.edge_port}{path}", None if body is None else json.dumps(body).encode(),
            {"authorization": f"Bearer {org.key}", "content-type": "application/json"}, method=method,
        )
        try:
            with urllib.request.urlopen(request, None, timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, type(error).__name__

    def set(self, org, method, path, body):
        status, text = self.ask(org, method, path, body)
        if status not in (200, 201, 204):
            raise SystemExit(f"{method} {path}: {status} {text}")

    def limit(self, org, **limits):
        self.set(org, "PUT", "/api/limits/org/org", limits)

    def journal(self, org):
        self.set(org, "PATCH", "/api/org/settings", {"when_unrecorded": "journal"})
        # Every node knows it within a second, and calls that begin from then on are of it.
        time.sleep(1)

    def of_record(self, region, text):
        """A question to the database of the region."""
        return self.postgres.psql(region, text)

    def metric(self, name, region=None, **labels):
        """The sum over all nodes, or over those of a region."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        total = 0
        for node in self.nodes if region is None else self.of(region):
            for line in node.metrics().splitlines():
                if line.split("{")[0].split(" ")[0] == name and all(one in line for one in wanted):
                    total += float(line.rsplit(" ", 1)[1])
        return int(total)

    def tell(self):
        """What the nodes said last, for whoever has to find out."""
        for node in self.nodes:
            print(f"-- {node.name}", *node.words(), sep="\n", file=sys.stderr)

    def stop(self):
        for node in self.nodes:
            node.kill()
        for child in [*self.children, *self.providers.values(), *self.proxies.values()]:
            child.kill()
        if hasattr(self, "redis"):
            self.redis.kill()
        if hasattr(self, "postgres"):
            self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
