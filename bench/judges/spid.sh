#!/bin/sh
# spid-sp-test against a running Portico: 111 responses, most of them forged, to a connection with
# the strict switch. See README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/portico.sh"

judge=${SPID_SP_TEST:-spid_sp_test}
command -v "$judge" >/dev/null || { echo "pip install spid-sp-test, or say where it is in SPID_SP_TEST" >&2; exit 2; }
command -v xmlsec1 >/dev/null || { echo "apt-get install xmlsec1 libxmlsec1-openssl" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Its own certificate has expired.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=spid-sp-test" \
  -keyout "$work/private.key" -out "$work/public.cert" 2>/dev/null
export IDP_CERT_PATH="$work" PYTHONPATH="$here" PYTHONWARNINGS=ignore PYTHONDONTWRITEBYTECODE=1

"$judge" --idp-metadata >"$work/idp.xml"
id=$(api POST /connections '{"kind":"saml","name":"spid-sp-test"}' | field id)
api PUT "/connections/$id/metadata" "@$work/idp.xml" application/samlmetadata+xml >"$work/connection.json"
api PATCH "/connections/$id" '{"policy":{"strict":true,"post_requests":true}}' >"$work/connection.json"
start=$(field ours start_url <"$work/connection.json")
metadata=$(field ours metadata_url <"$work/connection.json")

# run REPORT ARGUMENT…: sends responses.
run() {
  report=$1
  shift
  "$judge" --profile saml2-sp --metadata-url "$metadata" --authn-url "$start" \
    --authn-plugin spid_portico.Portico --debug CRITICAL --exit-zero \
    --report_format json --report-output-file "$report" --test-response "$@" >"$work/said" 2>&1 ||
    { cat "$work/said" >&2; exit 1; }
}

# Nobody signs in through a connection that was not tested: the good response is the test.
PORTICO_TEST=$id run "$work/test.json" -tn 1
api POST "/connections/$id/activate" >/dev/null
run "${1:-$work/report.json}"

failed=0
python3 - "${1:-$work/report.json}" <<'PYTHON' || failed=1
import json, sys

report = json.load(open(sys.argv[1]))["test"]["sp"]["response"]
results = [result for results in report.values() for result in results]
failed = [result for result in results if result["result"] != "success"]
for result in failed:
    print(f'failed: {result["test"]} {result["value"]}')
print(f"{len(results) - len(failed)} of {len(results)} responses as expected")
sys.exit(bool(failed))
PYTHON
echo "Why Portico refused:"
refusals "$id"
api POST "/connections/$id/deactivate" >/dev/null
api DELETE "/connections/$id"
[ "$failed" = 0 ]
