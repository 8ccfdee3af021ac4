#!/bin/sh
# SimpleSAMLphp against a running Portico: every shape in which it answers signs in, on the default
# settings of a connection. See README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/portico.sh"

simplesamlphp=${SIMPLESAMLPHP:-/usr/share/simplesamlphp}
[ -d "$simplesamlphp/www" ] ||
  { echo "apt-get install simplesamlphp php-xml php-sqlite3 php-curl php-mbstring" >&2; exit 2; }
port=${PORT:-8765}
origin=http://127.0.0.1:$port

work=$(mktemp -d)
php=
trap '[ -z "$php" ] || kill "$php" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/config" "$work/metadata" "$work/cert" "$work/data" "$work/tmp" "$work/sessions"
for name in first second; do
  openssl req -x509 -newkey rsa:3072 -nodes -days 90 -subj "/CN=$name" \
    -keyout "$work/cert/$name.pem" -out "$work/cert/$name.crt" 2>/dev/null
done

cat >"$work/config/config.php" <<PHP
<?php
\$config = [
    'baseurlpath' => '$origin/',
    'certdir' => '$work/cert/', 'datadir' => '$work/data/', 'loggingdir' => '$work/data/',
    'tempdir' => '$work/tmp', 'metadatadir' => '$work/metadata',
    'secretsalt' => '$(openssl rand -hex 16)', 'auth.adminpassword' => '$(openssl rand -hex 16)',
    'technicalcontact_email' => 'na@example.org', 'timezone' => 'UTC',
    'logging.handler' => 'file', 'logging.level' => 4, 'logging.logfile' => 'log',
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
    'session.cookie.secure' => false, 'session.cookie.samesite' => 'Lax',
    'session.phpsession.savepath' => '$work/sessions', 'session.phpsession.cookiename' => 'ssp',
    'store.type' => 'phpsession',
    'metadata.sources' => [['type' => 'flatfile']],
];
PHP
cat >"$work/config/authsources.php" <<'PHP'
<?php
$config = ['people' => ['exampleauth:UserPass',
    'ada:adapass' => ['mail' => ['ada@example.com'], 'displayName' => ['Ada Lovelace'], 'groups' => ['engineers']],
    'lin:linpass' => ['mail' => ['lin@example.com'], 'displayName' => ['Lin Chen'], 'groups' => ['engineers']],
]];
PHP
# How it answers: what a shape says, over what it does by itself.
cat >"$work/metadata/saml20-idp-hosted.php" <<PHP
<?php
\$shape = json_decode(file_get_contents('$work/shape.json'), true);
\$metadata['$origin/idp'] = (\$shape['idp'] ?? []) + [
    'host' => '__DEFAULT__', 'privatekey' => 'first.pem', 'certificate' => 'first.crt',
    'auth' => 'people', 'SingleSignOnServiceBinding' => [SAML2\Constants::BINDING_HTTP_REDIRECT, SAML2\Constants::BINDING_HTTP_POST],
    'SingleSignOnService' => '$origin/saml2/idp/SSOService.php',
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    'simplesaml.nameidattribute' => 'mail', 'userid.attribute' => 'mail',
];
PHP
cat >"$work/metadata/saml20-sp-remote.php" <<PHP
<?php
if (is_file('$work/sp.xml')) {
    \$shape = json_decode(file_get_contents('$work/shape.json'), true);
    foreach (SimpleSAML\Metadata\SAMLParser::parseDescriptorsString(file_get_contents('$work/sp.xml')) as \$entity => \$parsed) {
        \$metadata[\$entity] = (\$shape['sp'] ?? []) + \$parsed->getMetadata20SP();
    }
}
PHP
echo '{}' >"$work/shape.json"

SIMPLESAMLPHP_CONFIG_DIR=$work/config php -S "127.0.0.1:$port" -t "$simplesamlphp/www" >"$work/php" 2>&1 &
php=$!
tries=0
until curl -sS -o "$work/idp.xml" --fail "$origin/saml2/idp/metadata.php" 2>"$work/said"; do
  kill -0 "$php" 2>/dev/null && [ "$tries" -lt 50 ] || { cat "$work/said" "$work/php" "$work/data/log" >&2; exit 1; }
  tries=$((tries + 1))
  sleep 0.2
done

id=$(api POST /connections '{"kind":"saml","name":"SimpleSAMLphp"}' | field id)
upload() {
  curl -sS --fail -o "$work/idp.xml" "$origin/saml2/idp/metadata.php"
  api PUT "/connections/$id/metadata" "@$work/idp.xml" application/samlmetadata+xml >"$work/connection.json"
}
upload
start=$(field ours start_url <"$work/connection.json")
entity=$(field ours entity_id <"$work/connection.json")
curl -sS --fail -o "$work/sp.xml" "$(field ours metadata_url <"$work/connection.json")"
python3 "$here/browse.py" test "$PORTICO_URL" "$id" >"$work/said" || { cat "$work/said" >&2; exit 1; }
api POST "/connections/$id/activate" >"$work/connection.json" ||
  { cat "$work/said" "$work/connection.json" "$work/data/log" >&2; exit 1; }

failed=0
# shape NAME JSON [in|out] [URL [USER]]: signs in from the URL, or is refused.
shape() {
  printf '%s' "$2" >"$work/shape.json"
  upload
  ended=in
  python3 "$here/browse.py" begin "$PORTICO_URL" "${4:-$start}" "${5:-ada}" "${5:-ada}pass" >"$work/said" 2>&1 || ended=out
  if [ "$ended" = "${3:-in}" ]; then
    echo "ok      $1: $(cat "$work/said")"
  else
    echo "FAILED  $1: $(cat "$work/said")"
    failed=$((failed + 1))
  fi
}
shape "as installed" '{}'
shape "the assertion signed alone" '{"sp":{"saml20.sign.response":false,"saml20.sign.assertion":true}}'
shape "the response signed alone" '{"sp":{"saml20.sign.response":true,"saml20.sign.assertion":false}}'
shape "signed with SHA-512" '{"idp":{"signature.algorithm":"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"}}'
# It encrypts with AES-128-CBC and nothing else.
shape "signed, then encrypted, in a signed response" '{"sp":{"assertion.encryption":true}}'
shape "the assertion encrypted in a response that alone is signed" '{"sp":{"assertion.encryption":true,"saml20.sign.response":true,"saml20.sign.assertion":false}}'
shape "our requests must be signed" '{"idp":{"validate.authnrequest":true}}'
shape "two certificates, the new one signs" '{"idp":{"new_privatekey":"second.pem","new_certificate":"second.crt"}}'
shape "a transient name" '{"sp":{"NameIDFormat":"urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}}' in "$start" lin
portal=$origin/saml2/idp/SSOService.php?spentityid=$entity
shape "nobody asked for it" '{}' out "$portal"
api PATCH "/connections/$id" '{"policy":{"idp_initiated":true}}' >/dev/null
shape "nobody asked for it, where that is switched on" '{}' in "$portal"
shape "nothing signed" '{"sp":{"saml20.sign.response":false,"saml20.sign.assertion":false}}' out
shape "encrypted with CBC in an unsigned response" '{"sp":{"assertion.encryption":true,"saml20.sign.response":false,"saml20.sign.assertion":true}}' out
echo "Why Portico refused:"
refusals "$id"
api POST "/connections/$id/deactivate" >/dev/null
api DELETE "/connections/$id"
[ "$failed" = 0 ]
