"""A cell on one machine: PostgreSQL, Redis, nodes of Portico, an edge (HAProxy), a provider.

Everything is of this process alone, in a folder that ends with it.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import tempfile
import sys
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from operate import Operator, databases, free_port
from postgres import Postgres

REGION = "eu"


class Provider:
    """Speaks OpenAI: a short answer after `wait` seconds, or a stream of `words` words, `pace` seconds apart."""

    def __init__(self, words, pace, wait=0.02):
        self.words, self.pace, self.wait = words, pace, wait
        self.port = free_port()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port, backlog=1024)

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1]) for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                )
                asked = json.loads(await reader.readexactly(length))
                await (self.stream(writer) if asked.get("stream") else self.answer(writer))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, StopIteration):
            pass
        finally:
            writer.close()

    async def answer(self, writer):
        await asyncio.sleep(self.wait)
        body = json.dumps({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "fixed",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
        }).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    async def stream(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        piece = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fixed"}
        for at in range(self.words):
            delta = {"index": 0, "delta": {"role": "assistant", "content": f"{at} "}, "finish_reason": None}
            self.chunk(writer, json.dumps({**piece, "choices": [delta]}))
            await writer.drain()
            await asyncio.sleep(self.pace)
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        self.chunk(writer, json.dumps({**piece, "choices": [last]}))
        usage = {"prompt_tokens": 10, "completion_tokens": self.words, "total_tokens": 10 + self.words}
        self.chunk(writer, json.dumps({**piece, "choices": [], "usage": usage}))
        self.chunk(writer, "[DONE]")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    @staticmethod
    def chunk(writer, data):
        event = f"data: {data}\n\n".encode()
        writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")


class Node:
    """One process of Portico."""

    def __init__(self, cell, name):
        self.cell, self.name = cell, name
        self.port, self.ops, self.child = free_port(), free_port(), None
        self.config = os.path.join(cell.folder, f"{name}.toml")
        with open(self.config, "w") as file:
            file.write(cell.configured(self))

    def start(self):
        log = open(os.path.join(self.cell.folder, f"{self.name}.log"), "a")
        self.child = subprocess.Popen([self.cell.program, "serve", "--config", self.config], stderr=log, stdout=log)

    async def ready(self):
        while True:
            if self.child.poll() is not None:
                raise SystemExit(f"{self.name} ended: {open(os.path.join(self.cell.folder, self.name + '.log')).read()[-2000:]}")
            try:
                asked = await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{self.ops}/readyz", None, 1)
                if asked.status == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.05)

    async def restart(self):
        """In order: asked to stop, gone, back."""
        self.child.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(self.child.wait)
        self.start()
        await self.ready()
        return code

    def kill(self):
        self.child.kill()
        self.child.wait()


class Cell:
    """Nodes behind an edge, and an org that calls."""

    production = False

    def __init__(self, program, provider, nodes):
        self.program = os.path.abspath(program)
        self.folder = tempfile.mkdtemp(prefix="portico-faults-")
        os.chmod(self.folder, 0o755)
        self.provider, self.count = provider, nodes
        self.edge_port, self.redis_port = free_port(), free_port()
        self.children = []

    def database(self, folder):
        return Postgres(folder, "max_connections=300")

    def configured(self, node):
        return f"""node = "{node.name}"
data = "{self.folder}/portico"
regions = ["{REGION}"]
production = {str(self.production).lower()}
[cell]
shared = true
[limits]
store = "redis://127.0.0.1:{self.redis_port}"
[listen]
address = "127.0.0.1:{node.port}"
ops = "127.0.0.1:{node.ops}"
trusted_proxies = ["127.0.0.0/8"]
drain_wait_ms = 1500
drain_timeout_ms = 90000
[log]
level = "warn"
[session]
secure_cookies = false
{self.databases}
[gateway.endpoints.fake]
speaks = "openai"
base_url = "http://127.0.0.1:{self.provider.port}/v1"
region = "{REGION}"
[gateway.models.fixed]
routes = [{{ endpoint = "fake" }}]
prices = [{{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }}]
"""

    def edge(self):
        """Asks each node five times a second whether it is ready, and asks another one again where a node gave no answer."""
        servers = "\n".join(
            f"  server {node.name} 127.0.0.1:{node.port} check port {node.ops} inter 200 fall 1 rise 1"
            for node in self.nodes
        )
        path = os.path.join(self.folder, "haproxy.cfg")
        with open(path, "w") as file:
            file.write(f"""global
  maxconn 5000
  tune.bufsize 65536
defaults
  mode http
  timeout connect 500
  timeout client 300s
  timeout server 300s
  timeout check 500
  retries 4
  option redispatch 1
  retry-on conn-failure empty-response response-timeout
frontend edge
  bind 127.0.0.1:{self.edge_port}
  default_backend nodes
backend nodes
  balance leastconn
  option http-buffer-request
  option httpchk GET /readyz
{servers}
""")
        self.children.append(subprocess.Popen(["haproxy", "-f", path, "-db"], stderr=subprocess.DEVNULL))

    async def start(self):
        self.postgres = self.database(os.path.join(self.folder, "postgres"))
        self.databases = databases(self.postgres, "directory", REGION)
        redis = ["redis-server", "--port", str(self.redis_port), "--save", "", "--maxmemory-policy", "noeviction"]
        self.children.append(subprocess.Popen(redis, stdout=subprocess.DEVNULL))
        await self.provider.start()
        self.nodes = [Node(self, f"node-{at + 1}") for at in range(self.count)]
        operator = Operator(self.program, self.nodes[0].config)
        operator.run("migrate")
        self.org, _, self.key = operator.org(REGION)
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            await node.ready()
        self.edge()
        await asyncio.sleep(1)

    def of_record(self, text):
        """A question to the database of the region."""
        return self.postgres.psql(REGION, text)

    def stop(self):
        for node in getattr(self, "nodes", []):
            if node.child and node.child.poll() is None:
                node.child.kill()
        for child in self.children:
            child.kill()
        if hasattr(self, "postgres"):
            self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
