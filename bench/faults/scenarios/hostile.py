"""Clients that mean no good hold thousands of sockets, flood with streams of HTTP/2 that they reset, with bodies of 1 GiB and
with packed bodies that unpack to as much, while others call."""

import socket
import ssl
import subprocess
import tempfile
import threading
import time
import zlib

from stage import Cell
from tools import Hostile, Load
from trial import Trial, bad

TITLE = "Hostile clients"
MOST_MIB = 512


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=portico.test", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"], check=True, capture_output=True,
    )
    return folder


def frame(kind, flags, stream, body=b""):
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


class Resets(threading.Thread):
    """One connection of HTTP/2 after the other, each with streams that begin and are reset at once."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ending, self.streams, self.connections, self.away = port, False, 0, 0, 0
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.context.set_alpn_protocols(["h2"])

    def run(self):
        # GET https / with an authority, from the static table of HPACK.
        head = bytes([0x82, 0x87, 0x84, 0x41, 12]) + b"portico.test"
        while not self.ending:
            try:
                plain = socket.create_connection(("127.0.0.1", self.port), 10)
                with self.context.wrap_socket(plain, server_hostname="portico.test") as tls:
                    self.connections += 1
                    tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
                    for at in range(0, 500_000, 50):
                        if self.ending:
                            return
                        tls.sendall(b"".join(
                            frame(1, 5, 2 * one + 1, head) + frame(3, 0, 2 * one + 1, (8).to_bytes(4, "big"))
                            for one in range(at, at + 50)
                        ))
                        self.streams += 50
            except OSError:
                self.away += 1


def packed_gibibyte():
    packer, mebibyte = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * (1 << 20)
    return b"".join(packer.compress(mebibyte) for _ in range(1024)) + packer.flush()


def bomb(cell, org, packed, statuses, ending):
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: portico.test\r\nauthorization: Bearer {org.key}\r\nconnection: close\r\n"
        f"content-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {len(packed)}\r\n\r\n"
    ).encode()
    while not ending.is_set():
        try:
            with socket.create_connection(("127.0.0.1", cell.edge_port), 10) as asked:
                asked.settimeout(30)
                asked.sendall(head + packed)
                status = asked.recv(4096).split(b" ")[1].decode()
        except (OSError, IndexError):
            status = "closed"
        statuses[status] = statuses.get(status, 0) + 1
        time.sleep(0.2)


def run(options):
    sockets, seconds = (1000, 10) if options.short else (5000, 45)
    trial = Trial("hostile", TITLE)
    with tempfile.TemporaryDirectory() as folder, Cell(options, {"eu": 2}, pace_ms=100, tls=certificate(folder)) as cell:
        org, plain, tls = cell.orgs[0], cell.nodes[1], cell.nodes[0]
        bad_org = cell.org("eu", "acme-hostile")
        trial.load(Load(cell, org, singles=3, streams=3, pause_ms=50))
        time.sleep(3)
        memory = {}

        def measured(label, begin):
            with trial.fault(label):
                end = begin()
                most, until = 0, time.monotonic() + seconds
                while time.monotonic() < until:
                    most = max(most, *(node.resident()[0] for node in cell.nodes))
                    time.sleep(0.25)
                memory[label] = {"mostMib": most, "saw": end()}
            time.sleep(2)

        for kind in ["slow-head", "slow-body", "idle"]:
            key = bad_org.key if kind == "slow-body" else "none"
            measured(f"{sockets} x {kind}", lambda: Hostile(cell, kind, plain.port, key, sockets).stop)
        measured(f"{sockets} x idle, TLS", lambda: Hostile(cell, "idle", tls.port, "none", sockets).stop)
        measured("1 GiB bodies, 16 at once", lambda: Hostile(cell, "huge", plain.port, bad_org.key, 16).stop)

        def resets():
            threads = [Resets(tls.port) for _ in range(4)]
            for thread in threads:
                thread.start()

            def end():
                for thread in threads:
                    thread.ending = True
                for thread in threads:
                    thread.join()
                return {name: sum(getattr(thread, name) for thread in threads) for name in ["connections", "streams", "away"]}
            return end

        def bombs():
            statuses, ending, packed = {}, threading.Event(), packed_gibibyte()
            threads = [threading.Thread(target=bomb, args=(cell, bad_org, packed, statuses, ending)) for _ in range(2)]
            for thread in threads:
                thread.start()

            def end():
                ending.set()
                for thread in threads:
                    thread.join()
                return statuses
            return end

        measured("HTTP/2 streams reset", resets)
        measured("packed bodies of 1 GiB", bombs)
        trial.stop()
        trial.figures |= {"sockets": sockets, "secondsEach": seconds, "attacks": memory}
        trial.none("normal traffic: calls that did not end well", bad(trial.ended()))
        for label, told in memory.items():
            saw = ", ".join(f"{name} {n}" for name, n in told["saw"].items())
            trial.bar(f"{label}: most memory of a node, less than {MOST_MIB} MiB", f"{told['mostMib']} MiB ({saw})", told["mostMib"] < MOST_MIB)
        trial.judged(cell)
        return trial
