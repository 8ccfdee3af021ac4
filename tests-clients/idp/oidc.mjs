// An OpenID provider for tests: oidc-provider, with what a test wants to happen behind
// `/control/`. See README.md.

import { generateKeyPairSync, randomBytes } from "node:crypto";

import Provider from "oidc-provider";

import { answer, asked, body, escaped, page, serve } from "./control.mjs";

/** Keeps everything in one map, so that sessions can be listed. */
const kept = new Map();

class Memory {
  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload) {
    kept.set(this.key(id), payload);
  }
  async find(id) {
    return kept.get(this.key(id));
  }
  async findByUid(uid) {
    return [...kept].find(([key, value]) => key.startsWith(`${this.model}:`) && value.uid === uid)?.[1];
  }
  async findByUserCode() {
    return undefined;
  }
  async consume(id) {
    const payload = kept.get(this.key(id));
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    kept.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, value] of kept) if (value.grantId === grantId) kept.delete(key);
  }
}

/** How it can sign. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
let made = 0;

/** A new signing key. */
function key(alg) {
  const curves = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };
  const pair = curves[alg]
    ? generateKeyPairSync("ec", { namedCurve: curves[alg] })
    : alg === "EdDSA"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  made += 1;
  return { ...pair.privateKey.export({ format: "jwk" }), kid: `key-${made}`, use: "sig", alg };
}

await serve(asked(), (issuer) => {
  const cookies = [randomBytes(32).toString("hex")];
  const accounts = new Map([
    [
      "ada",
      {
        name: "Ada Lovelace",
        given_name: "Ada",
        family_name: "Lovelace",
        email: "ada@example.com",
        email_verified: true,
        groups: ["engineers"],
      },
    ],
  ]);
  const clients = new Map();
  const options = { alg: "RS256", claimsInIdToken: true, auto: false };
  let keys = [key(options.alg)];
  let down = false;
  let provider;

  function renew() {
    provider = new Provider(issuer, {
      adapter: Memory,
      clients: [...clients.values()].map((client) => ({
        id_token_signed_response_alg: options.alg,
        ...client,
      })),
      jwks: { keys },
      enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
      cookies: { keys: cookies },
      scopes: ["openid", "email", "profile", "groups", "offline_access"],
      claims: {
        openid: ["sub"],
        email: ["email", "email_verified"],
        profile: ["name", "given_name", "family_name"],
        groups: ["groups"],
        sid: null,
        auth_time: null,
      },
      conformIdTokenClaims: !options.claimsInIdToken,
      features: {
        devInteractions: { enabled: false },
        backchannelLogout: { enabled: true },
        rpInitiatedLogout: {
          enabled: true,
          logoutSource(context, form) {
            const button = '<button id="leave" form="op.logoutForm" name="logout" value="yes">Sign out</button>';
            context.body = page("Sign out of the provider?", `${form}${button}`);
          },
          postLogoutSuccessSource(context) {
            context.body = page("Signed out", "");
          },
        },
      },
      interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
      async findAccount(_context, id) {
        const account = accounts.get(id);
        return account && { accountId: id, claims: async () => ({ sub: id, ...account }) };
      },
      // Nobody is asked for consent.
      async loadExistingGrant(context) {
        const { client, session } = context.oidc;
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope("openid email profile groups offline_access");
        await grant.save();
        return grant;
      },
      ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600 },
      renderError(context, out) {
        context.type = "html";
        context.body = page("Refused", `<p id="error">${escaped(out.error)}: ${escaped(out.error_description)}</p>`);
      },
      // Its own rule would keep it from telling us, who are on a loopback address, of a logout.
      fetch: (url, { dispatcher: _dispatcher, ...rest }) => fetch(url, rest),
    });
    provider.on("server_error", (_context, error) => process.stderr.write(`${error.stack}\n`));
  }
  renew();

  /** The page of a sign-in: one button, or none. */
  async function interact(request, response) {
    const { uid, params } = await provider.interactionDetails(request, response);
    let account = params.login_hint?.split("@")[0];
    if (!accounts.has(account)) [account] = accounts.keys();
    if (request.method === "POST") {
      account = new URLSearchParams((await body(request)).text).get("account");
    } else if (!options.auto) {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      return response.end(
        page(
          "Sign in at the provider",
          `<form method="post" action="/interaction/${escaped(uid)}">
<label>Account <input name="account" value="${escaped(account)}" required></label>
<button id="sign-in">Sign in</button></form>`,
        ),
      );
    }
    const result = accounts.has(account)
      ? { login: { accountId: account, amr: ["pwd"] } }
      : { error: "access_denied", error_description: "no such account" };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  const sessions = () => [...kept].filter(([name]) => name.startsWith("Session:")).map(([, session]) => session);

  /** Ends every session here, and says so to the clients that asked to be told. */
  async function endSessions() {
    const told = [];
    for (const session of sessions()) {
      for (const [clientId, { sid }] of Object.entries(session.authorizations ?? {})) {
        const client = await provider.Client.find(clientId);
        if (!client?.backchannelLogoutUri) continue;
        const one = { client: clientId, sub: session.accountId, sid };
        try {
          await client.backchannelLogout(session.accountId, sid);
          told.push({ ...one, ok: true });
        } catch (error) {
          told.push({ ...one, ok: false, why: error.message });
        }
      }
      kept.delete(`Session:${session.jti}`);
    }
    return told;
  }

  const control = {
    async client(said) {
      clients.set(said.client_id, said);
      renew();
      return { issuer };
    },
    async account({ id, ...claims }) {
      accounts.set(id, claims);
      return { accounts: [...accounts.keys()] };
    },
    async options(said) {
      Object.assign(options, said);
      if (said.alg) keys = [key(said.alg)];
      renew();
      return options;
    },
    async rotate({ keep = false }) {
      keys = keep ? [key(options.alg), ...keys] : [key(options.alg)];
      renew();
      return { kids: keys.map(({ kid }) => kid) };
    },
    async down(said) {
      down = said.down ?? true;
      return { down };
    },
    async sessions() {
      return sessions().map(({ accountId, authorizations }) => ({ accountId, authorizations }));
    },
    async "end-sessions"() {
      return endSessions();
    },
  };

  async function handle(request, response) {
    const { pathname } = new URL(request.url, issuer);
    try {
      const told = pathname.startsWith("/control/") && control[pathname.slice("/control/".length)];
      if (told) return answer(response, 200, await told((await body(request)).json()));
      if (down) return answer(response, 503, { error: "temporarily_unavailable" });
      if (pathname.startsWith("/interaction/")) return await interact(request, response);
      return await provider.callback()(request, response);
    } catch (error) {
      return answer(response, 400, { error: error.message });
    }
  }

  return { handle, ready: { issuer } };
});
