// @ts-check
// Talks to the browser's authenticators. What is asked of them and what becomes of their
// answer is decided by the server; here bytes are only turned into text and back.

/** @typedef {{ ceremony: string, options: any }} Ceremony */
/** @typedef {{ detail?: string }} Problem */

/** @param {string} text in base64url @returns {ArrayBuffer} */
function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0)).buffer;
}

/** @param {ArrayBuffer | null} of @returns {string} in base64url */
function text(of) {
  const plain = String.fromCharCode(...new Uint8Array(of ?? new ArrayBuffer(0)));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {{ id: string }[]} [known] */
function credentials(known) {
  return (known ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
}

/**
 * Asks our own API; what it refuses is said in its own words.
 * @param {string} path
 * @param {unknown} [body]
 */
async function ask(path, body) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const headers = { "content-type": "application/json", accept: "application/json" };
  const answer = await fetch(path, { method: "POST", headers, ...sent });
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  throw new Error(/** @type {Problem} */ (told).detail ?? "Portico did not answer.");
}

/** @param {string} name */
async function add(name) {
  /** @type {Ceremony} */
  const { ceremony, options } = await ask("/api/factors/passkeys/begin");
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: credentials(options.excludeCredentials),
    },
  });
  if (!(made instanceof PublicKeyCredential)) throw new Error("No passkey was made.");
  const { response } = made;
  if (!(response instanceof AuthenticatorAttestationResponse)) return;
  await ask("/api/factors/passkeys", {
    ceremony,
    name,
    response: {
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      response: {
        attestationObject: text(response.attestationObject),
        clientDataJSON: text(response.clientDataJSON),
      },
    },
  });
}

/** Shows a passkey: where a ceremony begins, and where it is finished. @param {string} path */
async function show(path) {
  /** @type {Ceremony} */
  const { ceremony, options } = await ask(`${path}/begin`);
  const shown = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: credentials(options.allowCredentials),
    },
  });
  if (!(shown instanceof PublicKeyCredential)) throw new Error("No passkey was shown.");
  const { response } = shown;
  if (!(response instanceof AuthenticatorAssertionResponse)) return;
  await ask(path, {
    ceremony,
    response: {
      id: shown.id,
      rawId: text(shown.rawId),
      type: shown.type,
      response: {
        authenticatorData: text(response.authenticatorData),
        clientDataJSON: text(response.clientDataJSON),
        signature: text(response.signature),
        userHandle: response.userHandle ? text(response.userHandle) : null,
      },
    },
  });
}

/** @param {unknown} error @returns {string} */
function words(error) {
  if (error instanceof DOMException) {
    if (error.name === "NotAllowedError") return "Nothing was shown: it was cancelled, or took too long.";
    if (error.name === "InvalidStateError") return "This authenticator has a passkey for you already.";
    return "The browser could not use a passkey here.";
  }
  const said = error instanceof Error ? error.message : "Portico did not answer.";
  const whole = said.charAt(0).toUpperCase() + said.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** @param {string | null} sentence */
function fault(sentence) {
  const box = document.querySelector("[data-passkey-fault]");
  if (!(box instanceof HTMLElement)) return;
  const place = box.querySelector("p");
  if (place) place.textContent = sentence ?? "";
  box.hidden = sentence === null;
}

/** @param {HTMLButtonElement} button */
async function pressed(button) {
  fault(null);
  button.disabled = true;
  try {
    if (button.dataset.passkey === "add") {
      const name = document.querySelector("#f-passkey");
      await add(name instanceof HTMLInputElement ? name.value : "");
    } else {
      await show(button.dataset.passkey === "confirm" ? "/api/session/factor" : "/api/session/passkey");
    }
    location.assign(button.dataset.next ?? "/");
  } catch (error) {
    fault(words(error));
    button.disabled = false;
    button.focus();
  }
}

if ("PublicKeyCredential" in globalThis) {
  for (const button of document.querySelectorAll("[data-passkey]")) {
    if (!(button instanceof HTMLButtonElement)) continue;
    button.hidden = false;
    button.addEventListener("click", () => void pressed(button));
  }
} else {
  for (const without of document.querySelectorAll("[data-no-passkey]")) {
    if (without instanceof HTMLElement) without.hidden = false;
  }
}
