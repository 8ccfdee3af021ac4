// @ts-check
// Verifies a receipt in the browser. Written from docs/use/record-format.md, RFC 6962, RFC 9162
// and C2SP alone: it shares no code with the server.
(() => {
  /** Bytes of a receipt at most. */
  const RECEIPT_BYTES_MAX = 1 << 20;
  const CLASSES = ["core", "subject", "payload"];

  /** What every event is asked for: null where nothing was committed to. */
  const ALWAYS = ["organizationId", "userId", "action", "resourceType", "resourceId", "ipAddress", "userAgent", "timestamp", "changes", "outcome"];

  /** @typedef {{ ok: boolean | null, words: string }} Step */

  /** @param {string} words */
  const utf8 = (words) => new TextEncoder().encode(words);
  /** @param {...(Uint8Array | number[])} parts */
  const join = (...parts) => Uint8Array.from(parts.flatMap((part) => Array.from(part)));
  /** @param {Uint8Array} bytes */
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  /** @param {Uint8Array} a @param {Uint8Array} b */
  const same = (a, b) => hex(a) === hex(b);
  /** @param {Uint8Array} bytes */
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes)));
  /** @param {Uint8Array} entry */
  const leafOf = (entry) => sha256(join([0], entry));
  /** @param {Uint8Array} left @param {Uint8Array} right */
  const node = (left, right) => sha256(join([1], left, right));

  /** @param {string} words @returns {never} */
  const refuse = (words) => { throw new Error(words); };
  /** @param {unknown} value @param {string} name @returns {string} */
  const text = (value, name) => (typeof value === "string" ? value : refuse(`${name} is no text`));
  /** @param {string} words @param {string} name */
  const base64 = (words, name) => {
    let bytes = null;
    try { bytes = Uint8Array.from(atob(words), (c) => c.charCodeAt(0)); } catch { /* judged below */ }
    if (!bytes || btoa(String.fromCharCode(...bytes)) !== words) return refuse(`${name} is no base64`);
    return bytes;
  };
  /** @param {string} words @param {string} name */
  const hash = (words, name) => {
    const bytes = base64(words, name);
    return bytes.length === 32 ? bytes : refuse(`${name} is no hash`);
  };
  /** @param {unknown} words @param {string} name */
  const salt = (words, name) => {
    const digits = text(words, name);
    if (!/^[0-9a-f]{64}$/.test(digits)) refuse(`${name} is not 64 hexadecimal digits`);
    return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  };

  /** A signed note that holds a checkpoint. @param {string} words */
  const noteOf = (words) => {
    const end = words.lastIndexOf("\n\n");
    if (end < 0 || !words.endsWith("\n")) refuse("a checkpoint is not signed");
    const signed = words.slice(0, end + 1);
    const signatures = words.slice(end + 2, -1).split("\n").map((line) => {
      const match = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line);
      if (!match) return refuse("a line under a checkpoint is no signature");
      const bytes = base64(match[2] ?? "", "a signature");
      return { name: match[1] ?? "", id: hex(bytes.subarray(0, 4)), bytes: bytes.subarray(4) };
    });
    const [origin = "", size = "", root = ""] = signed.slice(0, -1).split("\n");
    if (!/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) refuse("a checkpoint has no size");
    return { signed, origin, size: Number(size), root: hash(root, "a root"), signatures };
  };

  /** C2SP `tlog-proof`. @param {string} words */
  const proofOf = (words) => {
    const match = /^c2sp\.org\/tlog-proof@v1\nindex (0|[1-9]\d{0,15})\n((?:[A-Za-z0-9+/]{43}=\n){0,63})\n([^]+)$/.exec(words);
    if (!match) return refuse("a proof is none");
    const path = (match[2] ?? "").split("\n").slice(0, -1).map((one) => hash(one, "a hash of a path"));
    return { index: Number(match[1]), path, note: noteOf(match[3] ?? "") };
  };

  /** RFC 9162, 2.1.3.2. @param {Uint8Array} leaf @param {number} index @param {number} size @param {Uint8Array[]} path */
  const rootOf = async (leaf, index, size, path) => {
    if (index >= size) return null;
    let [at, last, root] = [index, size - 1, leaf];
    const up = () => { at = Math.floor(at / 2); last = Math.floor(last / 2); };
    for (const sibling of path) {
      if (last === 0) return null;
      if (at % 2 === 1 || at === last) {
        root = await node(sibling, root);
        while (at % 2 === 0 && at > 0) up();
      } else {
        root = await node(root, sibling);
      }
      up();
    }
    return last === 0 ? root : null;
  };

  /** An Ed25519 key of a log, under the name of `origin`. @param {string} vkey @param {string} origin @param {string} under */
  const keyOf = async (vkey, origin, under) => {
    const [name = "", id, ...rest] = vkey.split("+");
    const bytes = base64(rest.join("+"), "a key");
    const idOf = async (/** @type {string} */ of) => hex((await sha256(join(utf8(`${of}\n`), bytes))).subarray(0, 4));
    if (await idOf(name) !== id) refuse("the id of a key belongs to another name or key");
    // Other algorithms are verified by programs: no browser knows ML-DSA-44 yet.
    if (bytes[0] !== 1 || bytes.length !== 33 || name !== origin) return null;
    return { name: under, id: await idOf(under), public: bytes.subarray(1) };
  };

  /** Whether one of these keys signed; null where this browser cannot tell.
   * @param {ReturnType<typeof noteOf>} note @param {({ name: string, id: string, public: Uint8Array } | null)[]} keys */
  const signed = async (note, keys) => {
    for (const key of keys) {
      const line = note.signatures.find((one) => one.name === key?.name && one.id === key?.id);
      if (!key || !line) continue;
      let imported;
      try {
        imported = await crypto.subtle.importKey("raw", Uint8Array.from(key.public), "Ed25519", false, ["verify"]);
      } catch {
        return null;
      }
      if (await crypto.subtle.verify("Ed25519", imported, Uint8Array.from(line.bytes), utf8(note.signed))) return true;
    }
    return false;
  };

  /** Whether two values are the same.
   * @param {unknown} committed @param {unknown} told @returns {boolean} */
  const agree = (committed, told) => {
    if (committed === null || told === null || typeof committed !== "object" || typeof told !== "object") {
      return committed === told;
    }
    const members = Object.entries(committed);
    return Array.isArray(committed) === Array.isArray(told) && members.length === Object.keys(told).length
      && members.every(([name, one]) => Object.hasOwn(told, name) && agree(one, Reflect.get(told, name)));
  };

  /** Judges the text of a receipt. @param {string} words @param {string} known */
  const check = async (words, known = "") => {
    /** @type {Step[]} */
    const steps = [];
    /** @param {boolean | null} ok @param {string} good @param {string} bad */
    const step = (ok, good, bad) => {
      steps.push({ ok, words: ok === false ? bad : good });
      if (ok === false) throw steps;
    };
    try {
      if (words.length > RECEIPT_BYTES_MAX) refuse("it is longer than a receipt can be");
      const receipt = JSON.parse(words);
      const { opening, checkpoint, directory } = receipt;
      const entry = base64(text(receipt.entry, "the entry"), "the entry");
      if (entry.length !== 104 || !same(entry.subarray(0, 8), utf8("audit/v1"))) refuse("the entry is none");
      /** @type {Record<string, unknown>} */
      const shown = {};
      /** @type {string[]} */
      const hidden = [];
      for (const [place, name] of CLASSES.entries()) {
        const one = opening[name];
        if (one === null) {
          hidden.push(name);
          continue;
        }
        const json = text(one.json, name);
        const commitment = await sha256(join(utf8(`audit/v1 ${name}\n`), salt(one.salt, "a salt"), utf8(json)));
        if (!same(commitment, entry.subarray(8 + 32 * place, 40 + 32 * place))) {
          step(false, "", `The ${name} of the event says something else than what was committed to.`);
        }
        Object.assign(shown, JSON.parse(json));
      }
      const { sequence, erased = [], withheld = [], ...event } = receipt.event;
      const told = Object.entries(event);
      const names = new Set([...Object.keys(shown), ...ALWAYS]);
      const agrees = told.length === names.size
        && told.every(([name, value]) => names.has(name) && agree(shown[name] ?? null, value))
        && sequence === receipt.index && opening.index === receipt.index
        && agree(hidden, [...erased, ...withheld].sort((a, b) => CLASSES.indexOf(a) - CLASSES.indexOf(b)))
        && shown.resourceId === receipt.id;
      step(agrees, "The event says what was committed to.", "The event says something else than what was committed to.");

      if (hidden.length) {
        step(true, `Of its ${hidden.join(" and ")} only that something was committed to: it was erased, or is withheld.`, "");
      }

      const proof = proofOf(text(receipt.proof, "the proof"));
      const note = noteOf(text(checkpoint.note, "the checkpoint"));
      const leaf = await leafOf(entry);
      const root = await rootOf(leaf, proof.index, proof.note.size, proof.path);
      const leads = root !== null && same(root, proof.note.root) && proof.index === receipt.index
        && note.signed === proof.note.signed && checkpoint.size === note.size
        && checkpoint.root === note.signed.split("\n")[2];
      step(leads, `It is event ${proof.index} of the ${note.size} in the tree of the checkpoint.`, "It does not lead to the root of the checkpoint.");

      const org = String(shown.organizationId);
      const ours = note.origin.endsWith(`/${org}`) && receipt.keys.origin === note.origin;
      step(ours, `The checkpoint is of the log ${note.origin}.`, "The checkpoint is of the log of another organization.");
      /** @type {string[]} */
      const vkeys = known ? [known] : receipt.keys.keys.map((/** @type {{ vkey: string }} */ one) => one.vkey);
      const keysOf = (/** @type {string} */ under) => Promise.all(vkeys.map((one) => keyOf(one, note.origin, under)));
      const by = known ? "the key that you gave" : "a key that this receipt brings";
      const unable = "This browser does not know Ed25519: who signed was not verified.";
      const good = await signed(proof.note, await keysOf(note.origin));
      step(good, good === null ? unable : `The log signed it with ${by}.`, `It is not signed with ${by}.`);
      const whole = await signed(note, await keysOf(note.origin));
      step(whole, whole === null ? unable : "The checkpoint with all its signatures is the same.", "The checkpoint with all its signatures is not signed by the log.");

      const cell = note.origin.slice(0, -org.length);
      const listed = proofOf(text(directory.proof, "the proof of the directory"));
      const slot = await sha256(utf8(`portico-directory/v1 slot\n${org}`));
      const head = await sha256(join(utf8("portico-directory/v1 head\n"), salt(directory.salt, "a salt"), utf8(note.signed)));
      let reached = await leafOf(head);
      if (!Array.isArray(directory.path) || directory.path.length !== 64) refuse("the path of the directory is not 64 hashes");
      for (const [height, one] of directory.path.entries()) {
        const sibling = hash(text(one, "a hash"), "a hash of the directory");
        const right = ((slot[7 - Math.floor(height / 8)] ?? 0) >> (height % 8)) & 1;
        reached = await (right ? node(sibling, reached) : node(reached, sibling));
      }
      const at = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text(directory.at, "a time"));
      if (!at) refuse("the time of the epoch is none");
      const micros = BigInt(Date.parse(`${at?.[1]}Z`)) * 1000n + BigInt((at?.[2] ?? "").padEnd(6, "0").slice(0, 6));
      const time = new Uint8Array(8);
      new DataView(time.buffer).setBigInt64(0, micros);
      const epoch = await leafOf(join(utf8("directory/v1"), time, reached));
      const top = await rootOf(epoch, listed.index, listed.note.size, listed.path);
      const only = top !== null && same(top, listed.note.root) && listed.note.origin === `${cell}directory`
        && directory.origin === listed.note.origin && directory.epoch === listed.index;
      step(only, `The directory lists this checkpoint in epoch ${listed.index}, and no other of this organization.`, "The directory does not list this checkpoint.");
      const above = await signed(listed.note, await keysOf(`${cell}directory`));
      step(above, above === null ? unable : "The log signed the directory too.", "The directory is not signed by the log.");
    } catch (cause) {
      if (cause !== steps) steps.push({ ok: false, words: cause instanceof Error ? cause.message : String(cause) });
    }
    const state = steps.some((one) => one.ok === false) ? "false" : steps.some((one) => one.ok === null) ? "unknown" : "true";
    const proven = known ? "Proven" : "Proven by its own key";
    const title = { true: proven, false: "False: this receipt proves nothing", unknown: "Not wholly verified" }[state] ?? "";
    return { state, title, steps };
  };
  Object.assign(globalThis, { porticoReceipt: { check } });

  // The page around it.
  if (typeof document === "undefined") return;
  const out = document.querySelector("[data-verdict]");
  const field = document.getElementById("receipt");
  const key = document.getElementById("key");
  const button = document.getElementById("verify");
  if (!(out instanceof HTMLElement) || !(field instanceof HTMLTextAreaElement)
    || !(key instanceof HTMLInputElement) || !(button instanceof HTMLButtonElement)) return;
  const run = async () => {
    const known = key.value.trim();
    const { state, title: words, steps } = await check(field.value, known);
    out.dataset.verdict = state;
    const title = document.createElement("p");
    const badge = document.createElement("span");
    badge.className = `badge ${state === "false" ? "bad" : state === "true" && known ? "ok" : "warn"}`;
    badge.textContent = words;
    title.append(badge);
    const list = document.createElement("ol");
    for (const one of steps) {
      const item = document.createElement("li");
      item.textContent = `${one.ok === false ? "✗" : one.ok === null ? "?" : "✓"} ${one.words}`;
      list.append(item);
    }
    out.replaceChildren(title, list);
    if (state === "true" && !known) {
      const limit = document.createElement("p");
      limit.textContent = "The key came with the receipt. Compare it with the one that you kept.";
      out.append(limit);
    }
  };
  button.hidden = false;
  button.addEventListener("click", () => void run());
  void run();
})();
