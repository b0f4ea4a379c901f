import { createInterface } from 'node:readline';
import { startLabIdentityProvider } from '../lab/identity/index.ts';

/** The lab's provider alone, in a process of its own. Every line is answered with the calls so far and their time. */
const provider = await startLabIdentityProvider({
  ...{ signal: new AbortController().signal, latencyMs: Number(process.argv[2]), searchLagMs: 0 },
});
const { issuer, clientId, projectId, orgId, adminToken } = provider;
process.stdout.write(`${JSON.stringify({ issuer, clientId, projectId, orgId, adminToken })}\n`);
const lines = createInterface({ input: process.stdin });
lines.on('line', () => {
  const { calls, servedMs } = provider.inspect();
  process.stdout.write(`${JSON.stringify({ calls, servedMs })}\n`);
});
lines.once('close', () => {
  provider.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
