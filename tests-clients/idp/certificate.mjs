// A self-signed X.509 certificate; Node can read them but not make them.

import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";

const der = (tag, ...parts) => {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = Buffer.from(length.toString(16).padStart(length < 256 ? 2 : length < 65536 ? 4 : 6, "0"), "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, content]);
};
const sequence = (...parts) => der(0x30, ...parts);
const hex = (text) => Buffer.from(text, "hex");
const time = (date) => der(0x17, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, "").slice(2)));
/** sha256WithRSAEncryption. */
const HOW = sequence(der(0x06, hex("2a864886f70d01010b")), der(0x05));

/** A key and its certificate, as PEM. */
export function certified(name, days = 365) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const named = sequence(der(0x31, sequence(der(0x06, hex("550403")), der(0x0c, Buffer.from(name)))));
  const from = new Date(Date.now() - 60_000);
  const until = new Date(from.getTime() + days * 86_400_000);
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    HOW,
    named,
    sequence(time(from), time(until)),
    named,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const signature = sign("sha256", body, createPrivateKey(key));
  const whole = sequence(body, HOW, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString("base64").match(/.{1,64}/g).join("\n");
  return { key, cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` };
}
