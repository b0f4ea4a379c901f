// Runs the JavaScript payload behind the first marker line of an agent file on a computer that cannot run the file itself.
// Usage: node run-agent.cjs FILE [ARGUMENTS…]
const { readFileSync } = require('node:fs');
const Module = require('node:module');

const MARK = '\n//#muster-agent-payload\n';
const file = process.argv[2];
const bytes = readFileSync(file);
const at = bytes.indexOf(MARK);
if (at < 0) {
  console.error(`${file}: this computer cannot run the file, and it carries no payload for node`);
  process.exit(126);
}
process.argv.splice(1, 2, file);
const agent = new Module(file, null);
agent.filename = file;
agent.paths = [];
agent._compile(bytes.subarray(at + MARK.length).toString('utf8'), file);
