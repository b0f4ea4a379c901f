// Loaded into a run of the command line before the program: kills that run (SIGKILL) at an instant of its own, which nobody
// outside can meet for certain. Told by its environment; killed-run.ts and setup-killed have the words.
const fs = require('node:fs');
const net = require('node:net');

const {
  MUSTER_ENDS_AFTER: told,
  MUSTER_ENDS_AFTER_TIMES: times,
  MUSTER_ENDS_ONCE_CHANGED: file,
} = process.env;
const end = () => process.kill(process.pid, 'SIGKILL');

if (told !== undefined) {
  // A pipe is written to at once: what was told is outside by then.
  const { write } = process.stdout;
  let text = '';
  process.stdout.write = function (chunk, ...rest) {
    const taken = write.call(this, chunk, ...rest);
    text += chunk;
    if (text.split(told).length > Number(times)) end();
    return taken;
  };
}

if (file !== undefined) {
  const look = () => {
    try {
      return fs.readFileSync(file, 'utf8');
    } catch {
      return undefined;
    }
  };
  const before = look();
  // Before the program hears anything more: also not that what it had asked for is done.
  const { emit } = net.Socket.prototype;
  net.Socket.prototype.emit = function (name, ...rest) {
    if (name === 'data' && look() !== before) end();
    return emit.call(this, name, ...rest);
  };
}
