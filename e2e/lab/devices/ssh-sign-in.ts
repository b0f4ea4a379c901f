import { createHash, timingSafeEqual } from 'node:crypto';
import ssh2, { type AuthContext } from 'ssh2';
import type { Secret } from '#shared/model/secret.ts';

/** Who may sign in to a device. */
export interface SignInRules {
  readonly user: string;
  /** OpenSSH public key text. */
  readonly authorizedKey: string;
  readonly password: Secret | undefined;
  /** True while the fault `wrong-password` is on. */
  readonly refusesEverybody: () => boolean;
}

/** Gives the function that answers ssh2's `authentication` event, as a stock sshd would. */
export function signInWith(rules: SignInRules): (context: AuthContext) => void {
  const key = ssh2.utils.parseKey(rules.authorizedKey);
  if (key instanceof Error)
    throw new Error('The authorized key is not an OpenSSH public key.', { cause: key });
  const authorized = key.getPublicSSH();
  return (context) => {
    const refusesEverybody = rules.refusesEverybody();
    const allowed = context.username === rules.user && !refusesEverybody;
    // With the fault there is a password, and nobody knows it.
    const methods: ('publickey' | 'password')[] =
      rules.password === undefined && !refusesEverybody ? ['publickey'] : ['publickey', 'password'];
    if (allowed && context.method === 'publickey' && context.key.data.equals(authorized)) {
      if (context.signature === undefined || context.blob === undefined) return context.accept();
      // ssh2's types leave out the hash that an RSA client chose.
      const { hashAlgo } = context as { hashAlgo?: string };
      if (key.verify(context.blob, context.signature, hashAlgo) === true) return context.accept();
    }
    if (allowed && context.method === 'password' && rules.password !== undefined) {
      if (sameText(context.password, rules.password.reveal())) return context.accept();
    }
    context.reject(methods);
  };
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
