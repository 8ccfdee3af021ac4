// Runs the script of the page over bundles, and says what it says of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
new Function(readFileSync(join(folder, 'page.js'), 'utf8'))();
const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));
const said = [];
for (const [at, { keys, outside }] of cases.entries()) {
  const zip = new Uint8Array(readFileSync(join(folder, `${at}.zip`)));
  const notes = outside.map((note, name) => ({ name: String(name), bytes: new TextEncoder().encode(note) }));
  try {
    const verdict = await globalThis.porticoVerify.check(zip, { keys, outside: notes });
    said.push({
      alone: verdict.alone ?? false,
      proven: verdict.proven,
      believed: verdict.notProven.filter((words) => words.includes('that you gave')),
      sound: verdict.sound,
      fault: verdict.fault && [verdict.fault.kind, verdict.fault.index],
      counts: verdict.counts,
      outside: verdict.outside.map((one) => one.agreement),
    });
  } catch (cause) {
    if (cause.constructor.name !== 'Unreadable') throw cause;
    said.push('unreadable');
  }
}
process.stdout.write(JSON.stringify(said));
