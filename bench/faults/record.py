"""What the record and the ledger say of an org's calls, beside what its callers saw."""

import collections
import json
import time


def closed(cell, org, within=60):
    """The beginnings and ends of its calls, once those of the dead are closed."""
    text = (
        "SELECT action, resource_id, outcome FROM audit_event "
        f"WHERE org_id = '{org.id}' AND action LIKE 'gateway.call.%'"
    )
    until = time.monotonic() + within
    while True:
        begun, ended = collections.Counter(), collections.defaultdict(list)
        for line in cell.of_record(org.region, text).splitlines():
            action, call, outcome = line.split("|")
            if action == "gateway.call.started":
                begun[call] += 1
            elif action == "gateway.call.ended":
                ended[call].append(outcome)
        if all(call in ended for call in begun) or time.monotonic() > until:
            return begun, ended
        time.sleep(1)


def exported(cell, org):
    """The ends of its calls, as its owner exports them."""
    status, text = cell.ask(org, "GET", "/api/events.jsonl?action=gateway.call.ended", timeout=300)
    if status != 200:
        raise SystemExit(f"the record of {org.slug} cannot be exported: {status} {text[:300]}")
    return [json.loads(line) for line in text.splitlines()]


def judged(cell, org, calls):
    """Figures of one org: `calls` are those of its callers."""
    begun, ended = closed(cell, org)
    events = exported(cell, org)
    spent = collections.Counter()
    for event in events:
        for name in ["tokensIn", "tokensOut", "priceNanocents"]:
            spent[name] += event["call"].get(name) or 0
    ledger = cell.of_record(
        org.region,
        "SELECT COALESCE(SUM(tokens_in), 0), COALESCE(SUM(tokens_out), 0), COALESCE(SUM(nanocents), 0) "
        f"FROM limits_ledger WHERE org_id = '{org.id}' AND subject = 'org'",
    ).split("|")
    whole = {call["receipt"] for call in calls if call["how"] == "ok"}
    charged = {event["resourceId"].upper() for event in events if event["call"].get("priceNanocents")}
    good = {call.upper() for call, outcomes in ended.items() if outcomes == ["success"]}
    upper = {call.upper() for call in ended}
    return {
        "begun": len(begun), "ended": len(ended),
        "open": sum(1 for call in begun if call not in ended),
        "endedTwice": sum(1 for outcomes in ended.values() if len(outcomes) > 1),
        "whole": len(whole),
        "wholeAndMissing": len(whole - upper), "wholeAndNotCharged": len((whole & good) - charged),
        "chargedAndNotWhole": len(charged - whole),
        "unknown": sum(1 for outcomes in ended.values() if "unknown" in outcomes),
        "gaps": int(cell.of_record(org.region, f"SELECT COUNT(*) - MAX(seq) - 1 FROM audit_event WHERE org_id = '{org.id}'")),
        "ledgerMinusRecord": {
            "tokensIn": int(ledger[0]) - spent["tokensIn"], "tokensOut": int(ledger[1]) - spent["tokensOut"],
            "nanocents": int(ledger[2]) - spent["priceNanocents"],
        },
        "outsideTheRegion": sum(1 for event in events if event["call"].get("providerRegion") not in (None, org.region)),
        "succeeded": len(good),
    }


def added(one, other):
    """Figures of two orgs together."""
    return {
        name: added(value, other[name]) if isinstance(value, dict) else value + other[name] for name, value in one.items()
    } if other else one


def sound(figures):
    """Nothing is missing, open, twice, or charged otherwise than it is recorded."""
    zero = ["open", "endedTwice", "wholeAndMissing", "wholeAndNotCharged", "gaps", "outsideTheRegion"]
    return not any(figures[name] for name in zero) and not any(figures["ledgerMinusRecord"].values())
