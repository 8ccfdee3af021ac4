// What both providers share: how they start, are told things, and stop.

import { once } from "node:events";
import http from "node:http";
import process from "node:process";
import { parseArgs } from "node:util";

/** Bytes of a body at most. */
const BODY_BYTES_MAX = 1 << 20;

/** `--port` and `--host`; port 0 takes any. */
export function asked() {
  const options = { port: { type: "string", default: "0" }, host: { type: "string", default: "127.0.0.1" } };
  const { values } = parseArgs({ options });
  return { port: Number(values.port), host: values.host };
}

/**
 * Listens, says so in one line of JSON on standard output, and ends when standard input does:
 * whoever started it need not remember to stop it.
 */
export async function serve({ port, host }, make) {
  const server = http.createServer();
  server.listen(port, host);
  await once(server, "listening");
  const origin = `http://${host}:${server.address().port}`;
  const { handle, ready } = await make(origin);
  server.on("request", (request, response) => {
    // Browsers ask for it, and complain where it is missing.
    if (request.url === "/favicon.ico") return response.writeHead(204).end();
    return handle(request, response);
  });
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
  process.stdin.on("error", () => process.exit(0));
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

/** The body of a request: text, or JSON that may also be the field `said` of a form. */
export async function body(request) {
  const parts = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) throw new Error("the body is too large");
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString("utf8");
  const form = request.headers["content-type"] === "application/x-www-form-urlencoded";
  const said = form ? new URLSearchParams(text).get("said") : text;
  return { text, json: () => (said ? JSON.parse(said) : {}) };
}

export function answer(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

/** Text that may stand in HTML. */
export function escaped(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, (c) => names[c]);
}

/** A page with one form. */
export function page(title, content) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title>
<meta name="viewport" content="width=device-width"><main><h1>${escaped(title)}</h1>${content}</main></html>`;
}
