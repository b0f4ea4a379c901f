import { createInterface } from 'node:readline';
import { startLabIdentityProvider } from '../lab/identity/index.ts';

/** The lab's provider alone, in a process of its own. Every line it reads is answered with the calls so far. */
const provider = await startLabIdentityProvider({
  ...{ signal: new AbortController().signal, latencyMs: Number(process.argv[2]), searchLagMs: 0 },
});
const { issuer, clientId, projectId, orgId, adminToken } = provider;
process.stdout.write(`${JSON.stringify({ issuer, clientId, projectId, orgId, adminToken })}\n`);
const lines = createInterface({ input: process.stdin });
lines.on('line', () => process.stdout.write(`${JSON.stringify(provider.inspect().calls)}\n`));
lines.once('close', () => {
  provider.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
