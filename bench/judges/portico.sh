# What both judges ask of Portico. PORTICO_URL is where people reach it, PORTICO_KEY the key of
# an owner.

: "${PORTICO_URL:?say where Portico is: http://localhost:8080}"
: "${PORTICO_KEY:?give the key of an owner}"
PORTICO_URL=${PORTICO_URL%/}
export PORTICO_URL PORTICO_KEY

# api METHOD PATH [BODY [TYPE]]: asks the API, prints the answer; a body may be @FILE.
api() {
  curl -sS --fail-with-body -X "$1" "$PORTICO_URL/api$2" -H "authorization: Bearer $PORTICO_KEY" \
    ${3:+-H "content-type: ${4:-application/json}" --data-binary "$3"}
}

# field NAME…: prints a field of the JSON that it reads.
field() {
  python3 -c 'import functools, json, sys
value = functools.reduce(lambda value, name: value[name], sys.argv[1:], json.load(sys.stdin))
print(value if isinstance(value, str) else json.dumps(value))' "$@"
}

# refusals CONNECTION: prints how often sign-ins through it were refused, and why.
refusals() {
  curl -sS --fail-with-body -G "$PORTICO_URL/api/events.jsonl" -H "authorization: Bearer $PORTICO_KEY" \
    -d action=sso.sign_in.refused |
    python3 -c 'import collections, json, sys
events = [json.loads(line) for line in sys.stdin if line.strip()]
mine = [event["reason"]["code"] for event in events if sys.argv[1] in json.dumps(event)]
for code, count in collections.Counter(mine).most_common():
    print(f"{count:5} {code}")' "$1"
}
