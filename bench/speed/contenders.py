"""Who is timed: the provider itself, a bare proxy, Portico on either engine, and peers."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from operate import Operator, databases, free_port
from postgres import Postgres

LITELLM = "litellm[proxy]==1.106.2"
PORTKEY = {"@portkey-ai/gateway": "1.15.2"}
# Without these every stream of Portkey 1.15.2 answers 500.
PORTKEY_OVERRIDES = {"@hono/node-server": "1.13.5", "hono": "4.9.7"}


class Unreachable(Exception):
    """A contender that cannot be had here, and why."""


class Contender:
    """Processes that answer at `url` with `key`; `pids` are what is charged to it."""

    def __init__(self, name):
        self.name, self.port, self.key, self.children, self.env = name, free_port(), "none", [], {}

    def spawn(self, *command, **env):
        log = open(os.path.join(self.folder, f"{self.name}.log"), "a")
        child = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **env})
        self.children.append(child)
        return child

    def url(self):
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    @property
    def pids(self):
        return [self.children[0].pid]

    def answers(self, seconds=60):
        """Waits until a call is answered."""
        body = json.dumps({"model": "mock-model", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 64})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        if to := self.env.get("PORTKEY_TO"):
            headers |= {"x-portkey-provider": "openai", "x-portkey-custom-host": to}
        last = None
        for _ in range(seconds * 10):
            try:
                asked = urllib.request.Request(self.url(), body.encode(), headers)
                if urllib.request.urlopen(asked, timeout=5).status == 200:
                    return
            except OSError as error:
                last = error
            time.sleep(0.1)
        raise Unreachable(f"{self.name} does not answer: {last}")

    def stop(self):
        for child in reversed(self.children):
            child.kill()
            child.wait()


class Direct(Contender):
    """The provider. `pace` milliseconds between events; such a one stamps them."""

    def __init__(self, programs, folder, pace=0):
        super().__init__("direct")
        self.folder = folder
        self.spawn(f"{programs}/provider", "--listen", f"127.0.0.1:{self.port}", "--pace-ms", str(pace))


class Floor(Contender):
    def __init__(self, programs, folder, provider):
        super().__init__("floor")
        self.folder = folder
        self.spawn(f"{programs}/floor", "--listen", f"127.0.0.1:{self.port}", "--to", f"127.0.0.1:{provider.port}")


class Portico(Contender):
    """With every promise on: key, role, five levels of limits with a budget, region, record, metrics."""

    def __init__(self, program, folder, provider, paced, engine):
        super().__init__(f"portico-{engine}")
        self.program, self.folder, self.engine = program, os.path.join(folder, engine), engine
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.config, self.ops = os.path.join(self.folder, "portico.toml"), free_port()
        self.postgres = None
        stores = self.outside() if engine == "postgres" else ""
        with open(self.config, "w") as file:
            file.write(self.configured(provider, paced, stores))
        self.operator = Operator(program, self.config)
        self.operator.run("migrate")
        self.begin()

    def begin(self):
        _, _, self.key = self.operator.org("eu")
        self.serve()
        self.answers()
        self.limit()

    def serve(self):
        self.spawn(self.program, "serve", "--config", self.config)
        # What is charged to it comes first.
        self.children.insert(0, self.children.pop())

    def outside(self):
        """A PostgreSQL and a Redis, as in production."""
        self.postgres = Postgres(os.path.join(self.folder, "postgres"), "max_connections=200")
        redis = free_port()
        self.spawn("redis-server", "--port", str(redis), "--save", "", "--maxmemory-policy", "noeviction")
        store = f'[limits]\nstore = "redis://127.0.0.1:{redis}"\n'
        return store + databases(self.postgres, "directory", "eu")

    def configured(self, provider, paced, stores):
        models = "".join(
            f'[gateway.endpoints.{name}]\nspeaks = "openai"\nbase_url = "http://127.0.0.1:{at.port}/v1"\nregion = "eu"\n'
            f'[gateway.models.{name}]\nprices = [{{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }}]\n'
            f'[[gateway.models.{name}.routes]]\nendpoint = "{name}"\nmodel = "mock-model"\n'
            for name, at in [("mock-model", provider), ("paced", paced)]
        )
        return (
            f'node = "bench"\ndata = "{self.folder}/portico"\nregions = ["eu"]\n[log]\nlevel = "warn"\n'
            f'[session]\nsecure_cookies = false\n'
            f'[listen]\naddress = "127.0.0.1:{self.port}"\nops = "127.0.0.1:{self.ops}"\n{stores}{models}'
        )

    def limit(self):
        for level in ["org/org", "team/*", "member/*", "key/*", "model/mock-model"]:
            body = json.dumps({"rpm": 1_000_000_000, "tokens_per_minute": 1_000_000_000_000, "money_per_month": "1000000.00"})
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
            at = f"http://127.0.0.1:{self.port}/api/limits/{level}"
            urllib.request.urlopen(urllib.request.Request(at, body.encode(), headers, method="PUT"), timeout=5)

    def stop(self):
        super().stop()
        if self.postgres:
            self.postgres.stop()


class LiteLLM(Contender):
    """In a virtual environment of its own, two workers, without a database."""

    def __init__(self, cache, folder, provider):
        super().__init__("litellm")
        self.folder, self.key = folder, "sk-bench"
        place = os.path.join(cache, "litellm")
        program = os.path.join(place, "bin", "litellm")
        if not os.path.exists(program):
            fetch(["python3", "-m", "venv", place], [f"{place}/bin/pip", "install", "--quiet", LITELLM])
        config = os.path.join(folder, "litellm.yaml")
        with open(os.path.join(HERE, "litellm.yaml")) as given, open(config, "w") as file:
            file.write(given.read().replace("PORT", str(provider.port)))
        quick = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
        at = ["--host", "127.0.0.1", "--port", str(self.port)]
        self.spawn(program, *at, "--config", config, "--num_workers", "2", **quick)
        self.answers(120)


class Portkey(Contender):
    """In a folder of modules of its own."""

    def __init__(self, cache, folder, provider):
        super().__init__("portkey")
        self.folder = folder
        self.env = {"PORTKEY_TO": f"http://127.0.0.1:{provider.port}/v1"}
        place = os.path.join(cache, "portkey")
        start = "node_modules/@portkey-ai/gateway/build/start-server.js"
        if not os.path.exists(os.path.join(place, start)):
            os.makedirs(place, exist_ok=True)
            with open(os.path.join(place, "package.json"), "w") as file:
                json.dump({"private": True, "dependencies": PORTKEY, "overrides": PORTKEY_OVERRIDES}, file)
            fetch(["npm", "install", "--prefix", place, "--silent", "--no-audit", "--no-fund"])
        self.spawn("node", os.path.join(place, start), f"--port={self.port}", "--headless")
        self.answers()


def fetch(*commands):
    for command in commands:
        if not shutil.which(command[0]):
            raise Unreachable(f"{command[0]} is not installed")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Unreachable(f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip()[-200:]}")
