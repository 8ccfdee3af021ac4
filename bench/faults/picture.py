"""What was measured as a page: a table for each scenario, and a picture that shows calls and faults over time."""

import collections
import json
import os

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 130, 44, 22
COLOURS = {"ok": "#2f6f4f", "refused": "#d9a441", "failed": "#b3261e"}
# What a customer is told, and may be told: their limit, or that nothing can be recorded or counted.
REFUSALS = ("429", "503 record_unavailable", "503 counters_unavailable", "503 database_unavailable", "told record_unavailable")


def kind(call):
    how = f"{call['how']} {call['code']}".strip()
    return "ok" if call["how"] == "ok" else "refused" if how.startswith(REFUSALS) else "failed"


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def timeline(trial):
    """Calls that ended, a second: whole, refused with a reason, failed; what was broken stands behind them in grey."""
    begin = min((call["sent"] for call in trial.calls), default=0) / 1000
    end = max((call["ended"] for call in trial.calls), default=1000) / 1000
    # Not more columns than a picture can show.
    step = max(1, -(-int(end - begin + 1) // 220))
    counted = collections.Counter((int((call["ended"] / 1000 - begin) // step), kind(call)) for call in trial.calls)
    columns = int((end - begin) // step) + 1
    top = max((sum(counted[at, name] for name in COLOURS) for at in range(columns)), default=1) or 1
    wide, tall = (WIDTH - LEFT - 6) / columns, HEIGHT - BOTTOM - 24

    def across(at):
        return LEFT + max(0, at - begin) / step * wide

    parts, said = [], -1e9
    for mark in sorted(trial.marks, key=lambda mark: mark["from"]):
        x, width = across(mark["from"]), max(1.5, across(mark["to"]) - across(mark["from"]))
        parts.append(f'<rect x="{x:.1f}" y="24" width="{width:.1f}" height="{tall}" fill="#dfe3e8"><title>{escaped(mark["label"])}</title></rect>')
        # Faults that are close to each other share the first one's name.
        if x - said > 150:
            parts.append(f'<text x="{x:.1f}" y="18">{escaped(mark["label"][:28])}</text>')
            said = x
    for at in range(columns):
        y = 24 + tall
        for name, colour in COLOURS.items():
            if high := counted[at, name] / top * tall:
                # A single failure among many calls must be seen.
                high = max(high, 2) if name == "failed" else high
                y -= high
                parts.append(f'<rect x="{LEFT + at * wide:.1f}" y="{y:.1f}" width="{max(wide - 0.3, 0.6):.1f}" height="{high:.1f}" fill="{colour}"/>')
    legend = "".join(
        f'<rect x="{LEFT + 130 + at * 90}" y="{HEIGHT - 13}" width="9" height="9" fill="{colour}"/>'
        f'<text x="{LEFT + 143 + at * 90}" y="{HEIGHT - 5}">{name}</text>'
        for at, (name, colour) in enumerate(COLOURS.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="10">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(parts)}'
        f'<line x1="{LEFT}" y1="{24 + tall}" x2="{WIDTH - 6}" y2="{24 + tall}" stroke="#444"/>'
        f'<text x="4" y="32">{top / step:.0f}/s</text><text x="{LEFT}" y="{HEIGHT - 5}">0 s</text>{legend}'
        f'<text x="{WIDTH - 6}" y="{HEIGHT - 5}" text-anchor="end">{end - begin:.0f} s</text></svg>\n'
    )


def section(told):
    lines = [f"## {told['title']}", f"`{told['scenario']}`, {told['build']}, {told['seconds']} s"
             + (" (short form)" if told["short"] else "") + ".",
             f"![{told['title']}](faults/{told['scenario']}.svg)"]
    rows = ["| bar | measured | |", "|---|---|---|"]
    for one in told["bars"]:
        measured = one["measured"].replace("|", "\\|")
        rows.append(f"| {one['bar']} | {measured} | {'met' if one['met'] else '**missed**'} |")
    lines.append("\n".join(rows))
    for what, name in [("answers", "Whole answers"), ("streams", "Streams")]:
        if told[what]:
            lines.append(f"{name}: " + ", ".join(f"{how} {n:,}" for how, n in told[what].items()) + ".")
    return "\n\n".join(lines)


def page(path, keep, scenarios):
    """Puts what is kept between the marks of a page that people wrote, and the pictures into the folder beside it."""
    begin, end = "<!-- measured -->", "<!-- /measured -->"
    text = open(path).read()
    if begin not in text or end not in text:
        raise SystemExit(f"{path}: no place for the figures ({begin} … {end})")
    pictures = path.removesuffix(".md")
    os.makedirs(pictures, exist_ok=True)
    sections = []
    for name in scenarios:
        measured = os.path.join(keep, f"{name}.json")
        if os.path.exists(measured):
            sections.append(section(json.load(open(measured))))
            with open(os.path.join(pictures, f"{name}.svg"), "w") as file:
                file.write(open(os.path.join(keep, f"{name}.svg")).read())
    head, tail = text.split(begin)[0], text.split(end)[1]
    with open(path, "w") as file:
        file.write(f"{head}{begin}\n\n" + "\n\n".join(sections) + f"\n\n{end}{tail}")
