// Runs the script of the receipt's page over receipts, and says what it says of them.
import { readFileSync } from 'node:fs';

const [script, cases] = process.argv.slice(2);
new Function(readFileSync(script, 'utf8'))();
const said = [];
for (const { receipt, key } of JSON.parse(readFileSync(cases, 'utf8'))) {
  said.push(await globalThis.porticoReceipt.check(receipt, key));
}
process.stdout.write(JSON.stringify(said));
