import { sign, verify } from 'node:crypto';
import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import { makeHostKey, makeKeyTexts } from './host-key.ts';

describe('keys of rehearsal devices', () => {
  it('are whole every time: ssh2 reads them, and both halves belong together', () => {
    // Enough of them to meet a public half that begins with a zero byte, which ssh2's generator spoils.
    let withLeadingZero = 0;
    for (let n = 0; n < 2_000 && (withLeadingZero === 0 || n < 20); n += 1) {
      const texts = makeKeyTexts();
      const [secret, open] = [ssh2.utils.parseKey(texts.privateKey), ssh2.utils.parseKey(texts.publicKey)];
      if (secret instanceof Error || open instanceof Error) throw new Error('ssh2 cannot read the key');
      expect(secret.getPublicSSH().equals(open.getPublicSSH())).toBe(true);
      expect(open.getPublicSSH()).toHaveLength(51);
      if (open.getPublicSSH()[19] === 0) withLeadingZero += 1;
      const signed = sign(null, Buffer.from('x'), secret.getPrivatePEM());
      expect(verify(null, Buffer.from('x'), open.getPublicPEM(), signed)).toBe(true);
    }
  });

  it('show a fingerprint like OpenSSH', () => {
    expect(makeHostKey().fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });
});
