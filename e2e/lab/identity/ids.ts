import { randomInt } from 'node:crypto';

/** Makes ids like Zitadel's: 18 digits, rising with time, always strings (they exceed JS safe integers). */
export function createIdSource(): () => string {
  let last = 0n;
  return () => {
    const next = 300_000_000_000_000_000n + BigInt(Date.now() % 1e14) * 1_000n + BigInt(randomInt(1_000));
    last = next > last ? next : last + 1n;
    return last.toString();
  };
}
