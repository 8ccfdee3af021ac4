"""The measured figures as a page: tables, and one picture that needs no words."""

import math
import os
import re

NAMES = {
    "direct": "the provider itself", "floor": "bare proxy (hyper)", "portico-sqlite": "**Portico**, SQLite",
    "portico-postgres": "**Portico**, PostgreSQL + Redis", "portkey": "Portkey 1.15.2", "litellm": "LiteLLM 1.106.2",
}

# What `many.py` writes into the page stays when the rest is written anew.
MANY = re.compile(r"<!-- many -->\n.*<!-- /many -->\n", re.S)

NOT_SHOWN = """## What this does not show

- A network: everything is on one machine, and the load takes its share of the same processors. Single times (p50, p99, calls a second)
  are of that machine at that moment.
- A provider that takes time: it answers at once, so that what is seen is the gateway.
- More than one organization, one key and some seconds, but in the part on many organizations.
- What PostgreSQL, Redis and the disk cost beside the node.
- Peers with a database, keys and budgets switched on, which they have and which would cost them more."""


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(['---', *['---:'] * (len(head) - 1)])}|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def closed(found, stream, callers):
    rows = [row for row in found["closed"] if row["stream"] == stream and row["callers"] == callers]
    return table(
        [f"{callers} at once", "calls/s", "p50 µs", "p99 µs", "CPU µs a call", "PSS MB", "failed"],
        [
            [NAMES[row["contender"]], *(number(row[name]) for name in
             ["perSecond", "p50Micros", "p99Micros", "cpuMicros", "pssMb"]), f"{row['failed']:.0f}"]
            for row in rows
        ],
    )


def picture(found):
    """CPU time of a call with 32 at once, on a scale of tens."""
    rows = [row for row in found["closed"] if row["callers"] == 32 and not row["stream"] and row["contender"] != "direct"]
    top = math.log10(max(row["cpuMicros"] for row in rows))
    bars = []
    for at, row in enumerate(rows):
        y, width = 34 + at * 30, max(4, 430 * math.log10(max(row["cpuMicros"], 1)) / top)
        ours = row["contender"].startswith("portico")
        name = NAMES[row["contender"]].replace("**", "")
        bars.append(
            f'<text x="8" y="{y + 15}">{name}</text>'
            f'<rect x="220" y="{y}" width="{width:.0f}" height="20" rx="3" fill="{"#2f6f4f" if ours else "#9aa4ad"}"/>'
            f'<text x="{226 + width:.0f}" y="{y + 15}">{number(row["cpuMicros"])}</text>'
        )
    height = 44 + len(rows) * 30
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 {height}" font-family="system-ui, sans-serif" font-size="13">'
        f'<rect width="740" height="{height}" fill="#ffffff"/>'
        f'<text x="8" y="20" font-weight="600">CPU time of a call in microseconds, 32 at once (each tenfold is as long as the one before)</text>'
        f'{"".join(bars)}</svg>\n'
    )


def written(found, path=None):
    parts = [
        "# What a call costs",
        f"Measured by `cargo xtask bench`: {found['rounds']} rounds, each contender {found['seconds']} s in each, one after the "
        f"other; medians. {found['cores']} cores carry the load, the provider and the contender together, so calls a second "
        "are what is left for the contender; CPU time of a call and ratios within this page are what counts. Portico has "
        "everything switched on: key, role, five levels of limits with a budget, region, intent and outcome durable in the "
        "record, metrics. PostgreSQL and Redis are not in its CPU time. LiteLLM runs two workers without a database, Portkey "
        "its own server: neither records anything.",
    ]
    if path:
        parts.append("![CPU time of a call](performance.svg)")
    for stream, title in [(False, "Whole answers"), (True, "Streams of 24 events")]:
        parts.append(f"## {title}")
        parts += [closed(found, stream, callers) for callers in sorted({row["callers"] for row in found["closed"]})]
    parts.append(
        "## At a fixed rate\n\nFrom when a call was due, not from when it was sent: who is slow is not asked less."
    )
    parts.append(table(
        ["", "request", "calls/s", "p50 µs", "p99 µs", "p99.9 µs", "failed"],
        [
            [NAMES[row["contender"]], f"{row['bytes'] // 1000:,} kB", f"{row['perSecond']:,}",
             *(number(row["answers"][name]) for name in ["p50", "p99", "p999"]), f"{row['failed']:.0f}"]
            for row in found["fixedRate"]
        ],
    ))
    parts.append("## Paced streams\n\n20 ms between events; how long an event is on its way from the provider to the reader.")
    parts.append(table(
        ["", "events", "p50 µs", "p99 µs", "p99.9 µs", "streams failed"],
        [
            [NAMES[row["contender"]], number(row["events"]["count"]),
             *(number(row["events"][name]) for name in ["p50", "p99", "p999"]), f"{row['failed']:.0f}"]
            for row in found["paced"]
        ],
    ))
    if found["skipped"]:
        parts.append("## Not measured\n\n" + "\n".join(f"- {NAMES[name]}: {why}" for name, why in found["skipped"].items()))
    if path and os.path.exists(path):
        with open(path) as file:
            parts += [part.rstrip("\n") for part in MANY.findall(file.read())]
    parts.append(NOT_SHOWN)
    text = "\n\n".join(parts) + "\n"
    if path:
        with open(path, "w") as file:
            file.write(text)
        with open(os.path.join(os.path.dirname(os.path.abspath(path)), "performance.svg"), "w") as file:
            file.write(picture(found))
    return text


def put_many(path, part):
    """Into a page that is there, in place of the same part of an earlier run."""
    with open(path) as file:
        text = MANY.sub("", file.read()).replace("\n\n\n", "\n\n")
    before, behind = text.split("## What this does not show", 1)
    with open(path, "w") as file:
        file.write(f"{before}<!-- many -->\n{part}<!-- /many -->\n\n## What this does not show{behind}")
