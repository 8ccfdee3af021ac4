"""A PostgreSQL of a bench's own, which no setting makes less durable. It ends with the bench."""

import glob
import os
import pwd
import subprocess

from operate import free_port


class Postgres:
    def __init__(self, folder, *settings, wal=None):
        """`wal`: where the write-ahead log lies, if not with the data."""
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.folder, self.user = folder, "postgres" if os.getuid() == 0 else None
        self.port = free_port()
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        if self.user:
            os.chown(folder, pwd.getpwnam(self.user).pw_uid, -1)
        self.data = os.path.join(folder, "data")
        apart = [f"--waldir={wal}"] if wal else []
        if wal and self.user:
            os.makedirs(wal)
            os.chown(wal, pwd.getpwnam(self.user).pw_uid, -1)
        # It sorts text by a language, as a customer's does.
        sorts = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"]
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", *sorts, *apart)
        self.options = " ".join(
            [f"-p {self.port} -k {folder} -c listen_addresses=127.0.0.1", *(f"-c {one}" for one in settings)]
        )
        self.start()

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-o", self.options, "-w", "-l", f"{self.folder}/log", "start")

    def run(self, program, *args, **more):
        return subprocess.run(
            [os.path.join(self.bin, program), *args], user=self.user, check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=self.folder, **more,
        ).stdout

    def psql(self, database, text):
        return self.run(
            "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-qAt", "-d", database, input=text,
        ).strip()

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")
