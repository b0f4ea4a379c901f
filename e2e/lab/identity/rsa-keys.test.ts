import { expect, it } from 'vitest';
import { generateRsaPair, RsaKeyPool } from './rsa-keys.ts';

it('is made aside: the event loop stays free for others', async () => {
  let isMade = false;
  const making = generateRsaPair().then(() => {
    isMade = true;
  });
  // By then everything has run that waits for nothing outside.
  await new Promise((resolve) => process.nextTick(resolve));
  expect(isMade).toBe(false);
  await making;
});

it('holds as many pairs as it was told to, gives each once, and makes more', async () => {
  const pool = new RsaKeyPool(3);
  await pool.full();
  const ready = [pool.take(), pool.take(), pool.take(), pool.take()];
  const pairs = await Promise.all(ready);
  expect(new Set(pairs.map(({ publicPem }) => publicPem)).size).toBe(4);
  expect(pairs[0]?.privatePem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
  await pool.full();
  await pool.close();
});
