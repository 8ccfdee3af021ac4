"""Drives Portico with the official `openai` client for Python, unmodified.

The world is described by JSON in PORTICO_CLIENT_WORLD:
  base_url, key, viewer_key (may not call models), limited_key (two requests a minute),
  model, embedding_model, big (send a body that is too large)
Prints `ok NAME` or `FAIL NAME: why` for each check and exits with 1 if any failed.
"""

import json
import os
import sys
import time

import openai
import pydantic

WORLD = json.loads(os.environ["PORTICO_CLIENT_WORLD"])
MODEL = WORLD["model"]
GREETING = "Hello from the fake provider."
ASK = [{"role": "user", "content": "Say hello."}]
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CHECKS = []


def client(key="key", max_retries=0):
    return openai.OpenAI(
        base_url=WORLD["base_url"], api_key=WORLD.get(key, key), max_retries=max_retries, timeout=30
    )


def check(function):
    """Makes the function one of the checks, in the order of this file."""
    CHECKS.append(function)
    return function


def equal(got, wanted, what):
    assert got == wanted, f"{what} is {got!r}, not {wanted!r}"


def signed(headers, what):
    for header in ("x-request-id", "portico-receipt"):
        assert headers.get(header), f"{what} has no header {header}"


def counted(usage):
    assert usage, "no usage"
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0, f"usage is {usage}"
    equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens, "total_tokens")


def raises(kind, status, call):
    """Makes a call that must fail in the client's own way, and returns its error."""
    try:
        call()
    except openai.APIStatusError as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}"
        equal(error.status_code, status, "status_code")
        assert error.request_id, "the error has no x-request-id"
        assert isinstance(error.body, dict), f"the body is {error.body!r}"
        assert error.body.get("message"), "the error has no message"
        assert error.type, "the error has no type"
        return error
    raise AssertionError(f"no {kind.__name__}: the call was answered")


@check
def chat():
    raw = client().chat.completions.with_raw_response.create(model=MODEL, messages=ASK)
    signed(raw.headers, "the answer")
    answer = raw.parse()
    equal(answer.object, "chat.completion", "object")
    equal(answer.choices[0].message.content, GREETING, "content")
    equal(answer.choices[0].finish_reason, "stop", "finish_reason")
    assert answer.id, "no id"
    assert answer.model, "no model"
    counted(answer.usage)


@check
def stream_with_usage():
    raw = client().chat.completions.with_raw_response.create(
        model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    signed(raw.headers, "the stream")
    chunks = list(raw.parse())
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    equal(text, GREETING, "content")
    equal(chunks[-1].choices, [], "choices of the last chunk")
    counted(chunks[-1].usage)


@check
def stream_without_usage():
    chunks = list(client().chat.completions.create(model=MODEL, messages=ASK, stream=True))
    assert all(chunk.choices for chunk in chunks), "a chunk without choices that nobody asked for"
    assert not any(chunk.usage for chunk in chunks), "usage that nobody asked for"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    equal(text, GREETING, "content")


@check
def stream_helper():
    with client().chat.completions.stream(model=MODEL, messages=ASK) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_completion()
    equal(answer.choices[0].message.content, GREETING, "content")


@check
def tools():
    api = client().chat.completions
    first = api.create(model=MODEL, messages=ASK, tools=[WEATHER])
    equal(first.choices[0].finish_reason, "tool_calls", "finish_reason")
    message = first.choices[0].message
    assert message.tool_calls, "no tool_calls"
    tool = message.tool_calls[0]
    equal(tool.function.name, "weather", "the tool's name")
    equal(json.loads(tool.function.arguments), {"city": "Oslo"}, "arguments")
    result = {"role": "tool", "tool_call_id": tool.id, "content": "sunny"}
    second = api.create(model=MODEL, messages=[*ASK, message, result], tools=[WEATHER])
    equal(second.choices[0].message.content, "It is sunny.", "content")


class Person(pydantic.BaseModel):
    name: str
    age: int


@check
def json_schema():
    answer = client().chat.completions.parse(model=MODEL, messages=ASK, response_format=Person)
    equal(answer.choices[0].message.parsed, Person(name="Ada", age=36), "what was parsed")


@check
def image():
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]
    answer = client().chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": parts}]
    )
    equal(answer.choices[0].message.content, GREETING, "content")


@check
def embeddings():
    raw = client().embeddings.with_raw_response.create(
        model=WORLD["embedding_model"], input=["one", "two"], encoding_format="float"
    )
    signed(raw.headers, "the answer")
    answer = raw.parse()
    equal([entry.index for entry in answer.data], [0, 1], "index")
    for entry in answer.data:
        equal([round(number, 6) for number in entry.embedding], [0.1, 0.2, 0.3], "embedding")
    assert answer.usage.prompt_tokens > 0, "nothing was counted"


@check
def models():
    raw = client().models.with_raw_response.list()
    assert raw.headers.get("x-request-id"), "the list has no x-request-id"
    names = [model.id for model in raw.parse()]
    assert MODEL in names, f"{MODEL} is not among {names}"
    equal(client().models.retrieve(MODEL).id, MODEL, "id")


@check
def unknown_key():
    api = client("garbage").chat.completions
    raises(openai.AuthenticationError, 401, lambda: api.create(model=MODEL, messages=ASK))


@check
def no_permission():
    api = client("viewer_key").chat.completions
    raises(openai.PermissionDeniedError, 403, lambda: api.create(model=MODEL, messages=ASK))


@check
def unknown_model():
    api = client().chat.completions
    error = raises(openai.NotFoundError, 404, lambda: api.create(model="nowhere", messages=ASK))
    equal(error.code, "model_not_found", "code")


@check
def bad_request():
    api = client().chat.completions
    error = raises(openai.BadRequestError, 400, lambda: api.create(model=MODEL, messages="hello"))
    equal(error.param, "messages", "param")


@check
def too_large():
    if not WORLD.get("big"):
        return
    large = [{"role": "user", "content": "x" * (33 << 20)}]
    api = client().chat.completions
    raises(openai.APIStatusError, 413, lambda: api.create(model=MODEL, messages=large))


def retry_seconds(error):
    """How long the answer says to wait, in both of its headers."""
    seconds = error.response.headers.get("retry-after", "")
    assert seconds.isdigit() and int(seconds) >= 1, f"retry-after is {seconds!r}"
    exact = float(error.response.headers.get("retry-after-ms", "nan")) / 1000
    assert 0 < exact <= int(seconds), f"retry-after-ms says {exact} s, retry-after {seconds} s"
    return exact


@check
def over_limit():
    api = client("limited_key").chat.completions

    def three_calls():
        for _ in range(3):
            api.create(model=MODEL, messages=ASK)

    error = raises(openai.RateLimitError, 429, three_calls)
    equal(error.code, "rate_limit_exceeded", "code")
    retry_seconds(error)


@check
def retry_headers_are_honoured():
    """The client must wait as long as we say. It is at its limit; nobody waits for real."""
    waits, sleep = [], time.sleep
    time.sleep = waits.append
    try:
        api = client("limited_key", max_retries=1).chat.completions
        error = raises(
            openai.RateLimitError, 429, lambda: api.create(model=MODEL, messages=ASK)
        )
    finally:
        time.sleep = sleep
    equal(len(waits), 1, "the number of waits")
    wanted = retry_seconds(error)
    assert abs(waits[0] - wanted) < 2, f"it waited {waits[0]} s, we said {wanted} s"


def main():
    failed = 0
    for function in CHECKS:
        try:
            function()
            print(f"ok {function.__name__}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the check failed
            failed += 1
            why = " ".join(str(error).split())
            print(f"FAIL {function.__name__}: {type(error).__name__}: {why}"[:500])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
