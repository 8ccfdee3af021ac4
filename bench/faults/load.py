"""Callers: each asks again and again, and says how each of its calls ended.

ok         whole
told       the stream ended with an error event
broken     the connection ended in the middle: HTTP itself says that the answer is not whole, and every client raises an error
truncated  HTTP says that the answer is whole, and it is not: nobody would notice
"""

import asyncio
import collections
import json


class Load:
    """Counts how calls ended, or by which status."""

    def __init__(self, port, key):
        self.port, self.key = port, key
        self.stopping = False
        self.ended = {False: collections.Counter(), True: collections.Counter()}
        self.receipts, self.oddities = [], []

    async def call(self, stream):
        body = {"model": "fixed", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 64, "stream": stream}
        body = json.dumps(body).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: portico.test\r\ncontent-type: application/json\r\n"
                + f"authorization: Bearer {self.key}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
                + body
            )
            answer = await reader.read(-1)
        finally:
            writer.close()
        head, _, rest = answer.partition(b"\r\n\r\n")
        if not head:
            return "nothing"
        status = int(head.split(b" ")[1])
        for line in head.split(b"\r\n"):
            # A refusal has a receipt too, and its call may be known by its end alone.
            if status == 200 and line.lower().startswith(b"portico-receipt:"):
                self.receipts.append(line.split(b":")[1].strip().decode())
        if status != 200:
            self.oddities.append(rest[-300:].decode(errors="replace"))
            return str(status)
        if not stream:
            lengths = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            return "ok" if [len(rest)] == lengths else "broken"
        if b"data: [DONE]" in rest:
            return "ok"
        if b'"error"' in rest:
            return "told"
        return "truncated" if rest.endswith(b"0\r\n\r\n") else "broken"

    async def caller(self, stream, pause):
        while not self.stopping:
            try:
                how = await self.call(stream)
            except OSError as error:
                how = type(error).__name__
            self.ended[stream][how] += 1
            await asyncio.sleep(pause)

    def start(self, singles, streams, pause=0.02):
        callers = [(False, pause)] * singles + [(True, pause)] * streams
        self.tasks = [asyncio.create_task(self.caller(*one)) for one in callers]

    async def stop(self):
        self.stopping = True
        await asyncio.gather(*self.tasks)
