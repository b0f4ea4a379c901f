import { expect, it } from 'vitest';
import { RsaKeyPool } from './rsa-keys.ts';

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
