import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What one browser has told the sign-in pages so far. */
export interface BrowserSession {
  readonly id: string;
  readonly csrf: string;
  readonly startedAt: number;
  /** Normalised user code, once a valid one was entered. */
  userCode: string | undefined;
  /** User id, once signed in. */
  accountId: string | undefined;
}

const lifetimeMs = 12 * 3600 * 1000;

/** Sessions of browsers, by cookie. Cookies ignore ports, so the name carries the port of this lab. */
export class BrowserSessions {
  readonly #cookieName: string;
  readonly #sessions = new Map<string, BrowserSession>();

  constructor(port: string) {
    this.#cookieName = `muster_lab_${port}`;
  }

  find(headers: IncomingHttpHeaders): BrowserSession | undefined {
    for (const part of (headers.cookie ?? '').split(';')) {
      const [name, value] = part.trim().split('=');
      if (name === this.#cookieName && value !== undefined) return this.#live(value);
    }
    return undefined;
  }

  start(): BrowserSession {
    const session: BrowserSession = {
      id: randomBytes(24).toString('base64url'),
      csrf: randomBytes(24).toString('base64url'),
      startedAt: Date.now(),
      userCode: undefined,
      accountId: undefined,
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** A fresh session in place of this one; done at sign-in so that an id planted earlier is worth nothing. */
  renew(session: BrowserSession): BrowserSession {
    this.#sessions.delete(session.id);
    const renewed = this.start();
    renewed.userCode = session.userCode;
    return renewed;
  }

  end(session: BrowserSession): void {
    this.#sessions.delete(session.id);
  }

  cookieFor(session: BrowserSession): string {
    return `${this.#cookieName}=${session.id}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${lifetimeMs / 1000}`;
  }

  get clearingCookie(): string {
    return `${this.#cookieName}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`;
  }

  #live(id: string): BrowserSession | undefined {
    const session = this.#sessions.get(id);
    if (session !== undefined && session.startedAt + lifetimeMs < Date.now()) {
      this.#sessions.delete(id);
      return undefined;
    }
    return session;
  }
}

export function sameSecret(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
