"""PostgreSQL as it is run in earnest: a primary and a synchronous standby under Patroni, in two
network namespaces that stand for two machines; etcd; HAProxy, which asks Patroni who the primary is.
"""

import glob
import json
import os
import pwd
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

from operate import free_port

# On a bridge of this machine alone.
NET = "10.213.77"
PG_PORT, REST_PORT = 5432, 8008


def sh(*args, check=True):
    return subprocess.run(args, check=check, capture_output=True, text=True).stdout


class Machine:
    """One network namespace with one Patroni and its PostgreSQL."""

    def __init__(self, cluster, at):
        self.cluster, self.name = cluster, f"pg-{at}"
        self.address = f"{NET}.{10 + at}"
        self.netns, self.link = f"portico-{os.getpid()}-{at}", f"pft{at}-{os.getpid() % 10000}"
        self.folder = os.path.join(cluster.folder, self.name)
        self.log = os.path.join(cluster.folder, f"{self.name}.log")
        sh("ip", "netns", "add", self.netns)
        sh("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.netns)
        sh("ip", "link", "set", self.link, "master", cluster.bridge, "up")
        for args in [["addr", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]]:
            sh("ip", "-n", self.netns, *args)
        os.makedirs(self.folder)
        os.chown(self.folder, cluster.uid, -1)
        self.config = os.path.join(cluster.folder, f"{self.name}.yml")
        with open(self.config, "w") as file:
            file.write(cluster.configured(self))
        os.chmod(self.config, 0o644)

    def start(self):
        user = ["setpriv", f"--reuid={self.cluster.uid}", f"--regid={self.cluster.gid}", "--clear-groups"]
        subprocess.Popen(
            ["ip", "netns", "exec", self.netns, *user, "patroni", self.config],
            stdout=open(self.log, "a"), stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
        )

    def signal(self, number):
        for pid in sh("ip", "netns", "pids", self.netns).split():
            try:
                os.kill(int(pid), number)
            except ProcessLookupError:
                pass

    def cut(self):
        sh("ip", "link", "set", self.link, "down")

    def mend(self):
        sh("ip", "link", "set", self.link, "up")

    def role(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}:{REST_PORT}/patroni", None, 2) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            told = json.load(error)
        except OSError:
            return None
        return told.get("role") if told.get("state") == "running" else None

    def end(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        sh("ip", "link", "del", self.link, check=False)
        sh("ip", "netns", "del", self.netns, check=False)


class Patroni:
    """Stands where the harness has a single PostgreSQL otherwise."""

    # What Patroni waits for before it takes a primary for dead; its own rule: ttl >= loop + 2 x retry.
    TTL, LOOP, RETRY = 15, 3, 5

    def __init__(self, folder):
        for tool in ["patroni", "etcd", "haproxy", "ip", "setpriv"]:
            if not shutil.which(tool):
                raise SystemExit(f"{tool} is not installed (apt-get install patroni etcd-server haproxy iproute2)")
        if os.getuid():
            raise SystemExit("network namespaces need root")
        self.folder, self.bin = folder, sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        who = pwd.getpwnam("postgres")
        self.uid, self.gid = who.pw_uid, who.pw_gid
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        self.children, self.machines, self.rebuilt = [], [], 0
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        self.bridge = f"pfb{os.getpid() % 100000}"
        sh("ip", "link", "add", self.bridge, "type", "bridge")
        sh("ip", "addr", "add", f"{NET}.1/24", "dev", self.bridge)
        sh("ip", "link", "set", self.bridge, "up")
        self.port = free_port()
        self.etcd()
        for at in [1, 2]:
            self.machines.append(Machine(self, at))
        self.machines[0].start()
        self.until(lambda: self.primary() is self.machines[0], 60, "a primary")
        self.machines[1].start()
        self.edge()
        self.whole()

    def etcd(self):
        client, peer = f"http://{NET}.1:2379", f"http://{NET}.1:2380"
        self.children.append(subprocess.Popen(
            ["etcd", "--data-dir", f"{self.folder}/etcd", "--listen-client-urls", client, "--advertise-client-urls", client,
             "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
             "--unsafe-no-fsync"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ))

    def configured(self, machine):
        return f"""scope: portico
name: {machine.name}
restapi:
  listen: {machine.address}:{REST_PORT}
  connect_address: {machine.address}:{REST_PORT}
etcd3:
  host: {NET}.1:2379
bootstrap:
  dcs:
    ttl: {self.TTL}
    loop_wait: {self.LOOP}
    retry_timeout: {self.RETRY}
    synchronous_mode: true
    primary_start_timeout: 0
    postgresql:
      use_pg_rewind: true
      parameters:
        max_connections: 300
        wal_log_hints: "on"
  initdb:
    - auth-local: trust
    - auth-host: trust
    - encoding: UTF8
    - locale: C
    - locale-provider: icu
    - icu-locale: en-US
postgresql:
  listen: {machine.address}:{PG_PORT}
  connect_address: {machine.address}:{PG_PORT}
  data_dir: {machine.folder}/data
  bin_dir: {self.bin}
  pgpass: {machine.folder}/pgpass
  remove_data_directory_on_diverged_timelines: true
  remove_data_directory_on_rewind_failure: true
  authentication:
    superuser: {{username: postgres, password: none}}
    replication: {{username: replicator, password: none}}
    rewind: {{username: postgres, password: none}}
  parameters:
    unix_socket_directories: {machine.folder}
  pg_hba:
    - host all all {NET}.0/24 trust
    - host replication replicator {NET}.0/24 trust
    - local all all trust
"""

    def edge(self):
        servers = "\n".join(
            f"  server {it.name} {it.address}:{PG_PORT} check port {REST_PORT}" for it in self.machines
        )
        path = os.path.join(self.folder, "haproxy.cfg")
        with open(path, "w") as file:
            file.write(f"""global
  maxconn 1000
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout check 1s
frontend postgres
  bind 127.0.0.1:{self.port}
  default_backend primary
backend primary
  option httpchk GET /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
""")
        self.children.append(subprocess.Popen(["haproxy", "-f", path, "-db"], stderr=subprocess.DEVNULL))

    def primary(self):
        return next((it for it in self.machines if it.role() in ("master", "primary")), None)

    def until(self, true, seconds, what):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                tails = "\n".join(open(it.log).read()[-1500:] for it in self.machines if os.path.exists(it.log))
                raise SystemExit(f"no {what} within {seconds} s\n{tails}")
            time.sleep(0.5)

    def follows(self):
        try:
            return self.psql("postgres", "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'") == "1"
        except subprocess.CalledProcessError:
            return False

    def whole(self):
        """Until a primary has its synchronous standby. One that cannot follow any more (PostgreSQL says so:
        its log is ahead) is made anew from the primary, as `patronictl reinit` does, and counted."""
        try:
            self.until(self.follows, 60, "synchronous standby")
        except SystemExit:
            primary = self.primary()
            if primary is None:
                raise
            for machine in self.machines:
                if machine is not primary:
                    machine.signal(signal.SIGKILL)
                    shutil.rmtree(os.path.join(machine.folder, "data"), ignore_errors=True)
                    machine.start()
                    self.rebuilt += 1
            self.until(self.follows, 120, "synchronous standby, made anew")

    def psql(self, database, text):
        return subprocess.run(
            [os.path.join(self.bin, "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-qAt", "-d", database],
            input=text, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "PGCONNECT_TIMEOUT": "3"},
        ).stdout.strip()

    def stop(self):
        for machine in self.machines:
            machine.end()
        for child in self.children:
            child.kill()
            child.wait()
        sh("ip", "link", "del", self.bridge, check=False)
