// A SAML identity provider for tests: samlp, with what a test wants to happen behind
// `/control/`. See README.md.

import { X509Certificate, randomBytes } from "node:crypto";

import { DOMParser } from "@auth0/xmldom";
import express from "express";
import samlp from "samlp";
import SessionParticipants from "samlp/lib/sessionParticipants/index.js";

import { certified } from "./certificate.mjs";
import { asked, escaped, page, serve } from "./control.mjs";

const METADATA = "urn:oasis:names:tc:SAML:2.0:metadata";
const POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

const SHAPE = {
  encrypted: false,
  signAssertion: true,
  signResponse: false,
  /** Which of its keys signs, and how many are published: 1 or 2. */
  certificate: 1,
  published: 1,
  signatureAlgorithm: "rsa-sha256",
  digestAlgorithm: "sha256",
  encryptionAlgorithm: "http://www.w3.org/2009/xmlenc11#aes256-gcm",
  lifetimeInSeconds: 300,
  /** AuthnRequests must be signed by the service provider. */
  checkRequests: false,
  /** Nobody is asked. */
  auto: false,
  down: false,
};

const ADA = {
  nameId: "ada@example.com",
  nameIdFormat: EMAIL,
  attributes: {
    email: "ada@example.com",
    displayName: "Ada Lovelace",
    groups: ["engineers"],
  },
};

/** What a service provider's metadata says. */
function serviceProvider(xml) {
  const document = new DOMParser().parseFromString(xml, "text/xml");
  const all = (name) => Array.from(document.getElementsByTagNameNS(METADATA, name));
  const certificate = (use) => {
    const keys = all("KeyDescriptor").filter((key) => [use, ""].includes(key.getAttribute("use")));
    const text = keys[0]?.getElementsByTagNameNS("http://www.w3.org/2000/09/xmldsig#", "X509Certificate")[0];
    const base64 = text?.textContent.replace(/\s/g, "").match(/.{1,64}/g);
    return base64 && `-----BEGIN CERTIFICATE-----\n${base64.join("\n")}\n-----END CERTIFICATE-----\n`;
  };
  const endpoint = (name, binding) => {
    const found = all(name).find((one) => one.getAttribute("Binding") === binding);
    return found?.getAttribute("ResponseLocation") || found?.getAttribute("Location");
  };
  const binding = endpoint("SingleLogoutService", POST) ? POST : REDIRECT;
  return {
    entityId: document.documentElement.getAttribute("entityID"),
    acs: endpoint("AssertionConsumerService", POST),
    slo: endpoint("SingleLogoutService", binding),
    binding,
    signing: certificate("signing"),
    encryption: certificate("encryption"),
  };
}

await serve(asked(), (origin) => {
  const issuer = `${origin}/metadata`;
  const keys = [certified("first.idp.test"), certified("second.idp.test")];
  const shape = { ...SHAPE };
  let user = structuredClone(ADA);
  let sp;
  /** Who is signed in where. */
  const participants = [];
  const states = new Map();
  const store = {
    save(_request, state, done) {
      const handle = randomBytes(16).toString("hex");
      states.set(handle, state);
      done(null, handle);
    },
    load(_request, handle, options, done = options) {
      const state = states.get(handle);
      if (options?.destroy) states.delete(handle);
      done(null, state);
    },
    update(_request, handle, state, done) {
      states.set(handle, state);
      done(null, handle);
    },
  };
  const signer = () => keys[shape.certificate - 1];

  const app = express();
  app.use(express.urlencoded({ extended: false, limit: "1mb" }));
  app.use((request, response, next) => {
    // The library reads a body of every request.
    request.body ??= {};
    if (shape.down && !request.path.startsWith("/control/")) return response.status(503).end();
    return next();
  });

  app.get("/metadata", (request, response, next) => {
    const send = response.send.bind(response);
    response.send = (xml) => {
      if (shape.published === 1) return send(xml);
      const [one] = xml.match(/<KeyDescriptor[\s\S]*?<\/KeyDescriptor>/);
      const [, second] = keys.map(({ cert }) => cert.replace(/-----[^-]+-----|\s/g, ""));
      return send(xml.replace(one, one + one.replace(/(<X509Certificate>)[^<]*/, `$1${second}`)));
    };
    const { cert } = shape.published === 1 ? signer() : keys[0];
    return samlp.metadata({
      issuer,
      cert,
      redirectEndpointPath: "/sso",
      postEndpointPath: "/sso",
      logoutEndpointPaths: { redirect: "/slo", post: "/slo" },
    })(request, response, next);
  });

  /** Sends the browser to the service provider with an assertion. */
  function assert({ response, next, acs, audience, inResponseTo, relayState }) {
    const sessionIndex = `_${randomBytes(16).toString("hex")}`;
    const encryption = shape.encrypted && {
      encryptionCert: sp.encryption,
      encryptionPublicKey: new X509Certificate(sp.encryption).publicKey.export({ type: "spki", format: "pem" }),
      encryptionAlgorithm: shape.encryptionAlgorithm,
      disallowEncryptionWithInsecureAlgorithm: false,
      warnOnInsecureEncryptionAlgorithm: false,
    };
    const { nameId, nameIdFormat, attributes } = user;
    const options = {
      ...signer(),
      ...encryption,
      issuer,
      audience,
      destination: acs,
      recipient: acs,
      inResponseTo,
      sessionIndex,
      signAssertion: shape.signAssertion,
      signResponse: shape.signResponse,
      signatureAlgorithm: shape.signatureAlgorithm,
      digestAlgorithm: shape.digestAlgorithm,
      lifetimeInSeconds: shape.lifetimeInSeconds,
      authnContextClassRef: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
      profileMapper: () => ({
        getClaims: () => attributes,
        getNameIdentifier: () => ({ nameIdentifier: nameId, nameIdentifierFormat: nameIdFormat }),
      }),
    };
    samlp.getSamlResponse(options, user, (error, xml) => {
      if (error) return next(error);
      participants.push({
        serviceProviderId: audience,
        nameId,
        nameIdFormat,
        sessionIndex,
        serviceProviderLogoutURL: sp?.slo,
        cert: sp?.signing,
        binding: sp?.binding,
      });
      const field = (name, value) =>
        value === undefined ? "" : `<input type="hidden" name="${name}" value="${escaped(value)}">`;
      return response.type("html").send(
        page(
          "Back to the service",
          `<form id="back" method="post" action="${escaped(acs)}">
${field("SAMLResponse", Buffer.from(xml).toString("base64"))}${field("RelayState", relayState)}
<button>Continue</button></form><script>document.getElementById("back").submit()</script>`,
        ),
      );
    });
  }

  app.all("/sso", (request, response, next) => {
    const said = { ...request.query, ...request.body };
    const signed = request.method === "GET" && request.query.Signature;
    const options = shape.checkRequests
      ? { signingCert: sp?.signing, signature: signed, sigAlg: request.query.SigAlg, relayState: said.RelayState }
      : {};
    samlp.parseRequest(request, options, (error, asked) => {
      if (error || !asked) return next(error ?? new Error("there is no SAMLRequest"));
      const acs = asked.assertionConsumerServiceURL ?? sp?.acs;
      if (sp && (asked.issuer !== sp.entityId || acs !== sp.acs)) return next(new Error("unknown service provider"));
      const answer = { acs, audience: asked.issuer, inResponseTo: asked.id, relayState: said.RelayState };
      if (shape.auto) return assert({ response, next, ...answer });
      const handle = randomBytes(16).toString("hex");
      states.set(handle, answer);
      return response.type("html").send(
        page(
          "Sign in at the provider",
          `<p>${escaped(user.nameId)}</p><form method="post" action="/sign-in">
<input type="hidden" name="handle" value="${handle}"><button id="sign-in">Sign in</button></form>`,
        ),
      );
    });
  });

  app.post("/sign-in", (request, response, next) => {
    const answer = states.get(request.body.handle);
    states.delete(request.body.handle);
    if (!answer) return next(new Error("this sign-in is over"));
    return assert({ response, next, ...answer });
  });

  // Begun by the provider: nobody asked.
  app.get("/start", (request, response, next) => {
    if (!sp) return next(new Error("no service provider is known"));
    const relayState = request.query.RelayState;
    return assert({ response, next, acs: sp.acs, audience: sp.entityId, relayState });
  });

  const sessions = new SessionParticipants(participants);
  app.all("/slo", (request, response, next) =>
    samlp.logout({
      issuer,
      ...signer(),
      deflate: request.method === "GET",
      protocolBinding: sp?.binding ?? POST,
      sessionParticipants: sessions,
      store,
    })(request, response, next),
  );

  const json = express.json({ limit: "1mb" });
  app.post("/control/shape", json, (request, response) => {
    const unknown = Object.keys(request.body).find((name) => !(name in SHAPE));
    if (unknown) return response.status(400).json({ error: `no such switch: ${unknown}` });
    return response.json(Object.assign(shape, request.body));
  });
  app.post("/control/user", json, (request, response) => {
    user = { ...structuredClone(ADA), ...request.body };
    response.json(user);
  });
  app.post("/control/sp", express.text({ type: () => true, limit: "1mb" }), (request, response) => {
    sp = serviceProvider(request.body);
    response.json(sp);
  });
  app.post("/control/rotate", (_request, response) => {
    keys.unshift(certified("new.idp.test"));
    keys.length = 2;
    response.json({});
  });
  app.get("/control/sessions", (_request, response) => {
    response.json(participants.map(({ nameId, sessionIndex }) => ({ nameId, sessionIndex })));
  });

  // Express knows what handles errors by its four arguments.
  app.use((error, _request, response, _next) => {
    response.status(400).type("html").send(page("Refused", `<p id="error">${escaped(error.message)}</p>`));
  });
  return { handle: app, ready: { entityId: issuer, metadata: issuer, start: `${origin}/start` } };
});
