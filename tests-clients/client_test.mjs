// Drives Portico with the official `openai` client for Node, unmodified.
//
// The world is described by JSON in PORTICO_CLIENT_WORLD:
//   base_url, key, viewer_key (may not call models), limited_key (two requests a minute),
//   model, embedding_model, big (send a body that is too large)
// Prints `ok NAME` or `FAIL NAME: why` for each check and exits with 1 if any failed.

import assert from "node:assert/strict";
import OpenAI from "openai";

const world = JSON.parse(process.env.PORTICO_CLIENT_WORLD);
const model = world.model;
const GREETING = "Hello from the fake provider.";
const messages = [{ role: "user", content: "Say hello." }];
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk" +
  "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const weather = {
  type: "function",
  function: {
    name: "weather",
    description: "The weather in a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

const client = (key = "key", maxRetries = 0) =>
  new OpenAI({ baseURL: world.base_url, apiKey: world[key] ?? key, maxRetries, timeout: 30_000 });

const signed = (response) => {
  for (const header of ["x-request-id", "portico-receipt"]) {
    assert.ok(response.headers.get(header), `no header ${header}`);
  }
};

const counted = (usage) => {
  assert.ok(usage, "no usage");
  assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0, JSON.stringify(usage));
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
};

/** Makes a call that must fail in the client's own way, and returns its error. */
const raises = async (kind, status, call) => {
  try {
    await call();
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, `${error.constructor.name}: ${error.message}`);
    assert.equal(error.status, status);
    assert.ok(error.requestID, "the error has no x-request-id");
    assert.ok(error.error?.message, "the error has no message");
    assert.ok(error.type, "the error has no type");
    return error;
  }
  return assert.fail(`no ${kind.name}: the call was answered`);
};

const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};

const text = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

/** How long the answer says to wait, in both of its headers, in milliseconds. */
const retryMillis = (error) => {
  const seconds = error.headers.get("retry-after") ?? "";
  assert.match(seconds, /^[1-9][0-9]*$/, `retry-after is ${seconds}`);
  const exact = Number(error.headers.get("retry-after-ms") ?? NaN);
  assert.ok(exact > 0 && exact <= seconds * 1000, `retry-after-ms is ${exact}`);
  return exact;
};

const checks = {
  async chat() {
    const { data, response } = await client()
      .chat.completions.create({ model, messages })
      .withResponse();
    signed(response);
    assert.equal(data.object, "chat.completion");
    assert.equal(data.choices[0].message.content, GREETING);
    assert.equal(data.choices[0].finish_reason, "stop");
    assert.ok(data.id, "no id");
    assert.ok(data.model, "no model");
    counted(data.usage);
  },

  async stream_with_usage() {
    const options = { model, messages, stream: true, stream_options: { include_usage: true } };
    const { data, response } = await client().chat.completions.create(options).withResponse();
    signed(response);
    const chunks = await collect(data);
    assert.equal(text(chunks), GREETING);
    assert.deepEqual(chunks.at(-1).choices, []);
    counted(chunks.at(-1).usage);
  },

  async stream_without_usage() {
    const chunks = await collect(
      await client().chat.completions.create({ model, messages, stream: true }),
    );
    assert.ok(chunks.every((chunk) => chunk.choices.length > 0), "a chunk without choices");
    assert.ok(!chunks.some((chunk) => chunk.usage), "usage that nobody asked for");
    assert.equal(text(chunks), GREETING);
  },

  async stream_helper() {
    const stream = client().chat.completions.stream({ model, messages });
    assert.equal(await stream.finalContent(), GREETING);
  },

  async tools() {
    const api = client().chat.completions;
    const first = await api.create({ model, messages, tools: [weather] });
    assert.equal(first.choices[0].finish_reason, "tool_calls");
    const { message } = first.choices[0];
    const [tool] = message.tool_calls;
    assert.equal(tool.function.name, "weather");
    assert.deepEqual(JSON.parse(tool.function.arguments), { city: "Oslo" });
    const result = { role: "tool", tool_call_id: tool.id, content: "sunny" };
    const turns = [...messages, message, result];
    const second = await api.create({ model, messages: turns, tools: [weather] });
    assert.equal(second.choices[0].message.content, "It is sunny.");
  },

  async json_schema() {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, age: { type: "integer" } },
      required: ["name", "age"],
      additionalProperties: false,
    };
    const answer = await client().chat.completions.create({
      model,
      messages,
      response_format: { type: "json_schema", json_schema: { name: "person", strict: true, schema } },
    });
    assert.deepEqual(JSON.parse(answer.choices[0].message.content), { name: "Ada", age: 36 });
  },

  async image() {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: PIXEL } },
    ];
    const answer = await client().chat.completions.create({
      model,
      messages: [{ role: "user", content }],
    });
    assert.equal(answer.choices[0].message.content, GREETING);
  },

  async embeddings() {
    const { data, response } = await client()
      .embeddings.create({
        model: world.embedding_model,
        input: ["one", "two"],
        encoding_format: "float",
      })
      .withResponse();
    signed(response);
    assert.deepEqual(data.data.map((entry) => entry.index), [0, 1]);
    for (const entry of data.data) {
      assert.deepEqual(entry.embedding.map((number) => Number(number.toFixed(6))), [0.1, 0.2, 0.3]);
    }
    assert.ok(data.usage.prompt_tokens > 0, "nothing was counted");
  },

  async models() {
    const { data, response } = await client().models.list().withResponse();
    assert.ok(response.headers.get("x-request-id"), "the list has no x-request-id");
    const names = data.data.map((entry) => entry.id);
    assert.ok(names.includes(model), `${model} is not among ${names}`);
    assert.equal((await client().models.retrieve(model)).id, model);
  },

  async unknown_key() {
    const api = client("garbage").chat.completions;
    await raises(OpenAI.AuthenticationError, 401, () => api.create({ model, messages }));
  },

  async no_permission() {
    const api = client("viewer_key").chat.completions;
    await raises(OpenAI.PermissionDeniedError, 403, () => api.create({ model, messages }));
  },

  async unknown_model() {
    const api = client().chat.completions;
    const call = () => api.create({ model: "nowhere", messages });
    const error = await raises(OpenAI.NotFoundError, 404, call);
    assert.equal(error.code, "model_not_found");
  },

  async bad_request() {
    const api = client().chat.completions;
    const call = () => api.create({ model, messages: "hello" });
    const error = await raises(OpenAI.BadRequestError, 400, call);
    assert.equal(error.param, "messages");
  },

  async too_large() {
    if (!world.big) return;
    const large = [{ role: "user", content: "x".repeat(33 << 20) }];
    const api = client().chat.completions;
    await raises(OpenAI.APIError, 413, () => api.create({ model, messages: large }));
  },

  async over_limit() {
    const api = client("limited_key").chat.completions;
    const error = await raises(OpenAI.RateLimitError, 429, async () => {
      for (let call = 0; call < 3; call += 1) await api.create({ model, messages });
    });
    assert.equal(error.code, "rate_limit_exceeded");
    retryMillis(error);
  },

  /** The client must wait as long as we say. It is at its limit; nobody waits for real. */
  async retry_headers_are_honoured() {
    const waits = [];
    const { setTimeout } = globalThis;
    const deadline = 30_000;
    globalThis.setTimeout = (work, millis, ...rest) => {
      if (millis === deadline) return setTimeout(work, millis, ...rest);
      waits.push(millis);
      return setTimeout(work, 0, ...rest);
    };
    try {
      const api = client("limited_key", 1).chat.completions;
      const call = () => api.create({ model, messages });
      const wanted = retryMillis(await raises(OpenAI.RateLimitError, 429, call));
      assert.ok(
        waits.some((millis) => Math.abs(millis - wanted) < 2_000),
        `it waited ${waits} ms, we said ${wanted} ms`,
      );
    } finally {
      globalThis.setTimeout = setTimeout;
    }
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    const why = `${error.name}: ${error.message}`.replace(/\s+/g, " ").slice(0, 500);
    console.log(`FAIL ${name}: ${why}`);
  }
}
process.exit(failed > 0 ? 1 : 0);
