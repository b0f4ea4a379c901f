// A process of hostile devices, so that what they spend is not counted as the station's. Prints its ports as JSON.
import { createServer } from 'node:net';

const version = 'SSH-2.0-OpenSSH_9.2p1\r\n';
const ignored = Buffer.concat(
  Array.from({ length: 500 }, () => Buffer.from([0, 0, 0, 12, 4, 2, 0, 0, 0, 2, 65, 65, 0, 0, 0, 0])),
);
const behaviours = {
  garbage: (socket) => endlessly(socket, Buffer.alloc(64 * 1024, 120)),
  lines: (socket) => endlessly(socket, Buffer.from('hello\r\n'.repeat(8192))),
  ignored: (socket) => {
    socket.write(version);
    endlessly(socket, ignored);
  },
  silent: () => undefined,
};

function endlessly(socket, bytes) {
  const talk = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', talk);
  talk();
}

const ports = {};
for (const [name, behave] of Object.entries(behaviours)) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    behave(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  ports[name] = server.address().port;
}
process.stdout.write(`${JSON.stringify(ports)}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
