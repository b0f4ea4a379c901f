import { z } from 'zod';
import type { Exchange, Reply } from '../http-exchange.ts';
import type { User } from '../model.ts';
import type { DeviceRequests } from '../oidc/device-requests.ts';
import { labPeople } from '../people.ts';
import { requiredOrganisation } from '../scopes.ts';
import type { Store } from '../store.ts';
import { type BrowserSession, BrowserSessions, sameSecret } from './browser-sessions.ts';
import { codePage, decisionPage, donePage, operatorPage, problemPage, signedOutPage } from './device-html.ts';

const csrf = z.string().max(100).default('');
const codeForm = z.object({ csrf, user_code: z.string().max(20).default('') });
const operatorForm = z.object({ csrf, operator: z.string().max(200), password: z.string().max(200) });
const decisionForm = z.object({ csrf, decision: z.enum(['approve', 'deny']) });

/** The human side of the device grant: enter the code, sign in, approve or deny. Plain forms, no script. */
export class DevicePages {
  readonly #store: Store;
  readonly #requests: DeviceRequests;
  readonly #issuer: string;
  readonly #sessions: BrowserSessions;

  constructor(store: Store, requests: DeviceRequests, issuer: string) {
    this.#store = store;
    this.#requests = requests;
    this.#issuer = issuer;
    this.#sessions = new BrowserSessions(new URL(issuer).port);
  }

  owns(path: string): boolean {
    return path === '/device' || path.startsWith('/device/') || path === '/oidc/v1/end_session';
  }

  async answer(exchange: Exchange): Promise<Reply> {
    if (exchange.path === '/oidc/v1/end_session') return this.#signOut(exchange);
    switch (`${exchange.method} ${exchange.path}`) {
      case 'GET /device':
        return this.#showCode(exchange);
      case 'GET /device/operator':
        return this.#withSession(exchange, (session) =>
          operatorPage({ csrf: session.csrf, loginName: this.#userOf(session)?.loginName ?? firstPerson }),
        );
      case 'GET /device/decision':
        return this.#withSession(exchange, (session) => this.#showDecision(session));
      case 'POST /device':
        return this.#withForm(exchange, codeForm, (session, form) =>
          this.#enterCode(session, form.user_code),
        );
      case 'POST /device/operator':
        return this.#withForm(exchange, operatorForm, (session, form) => this.#signIn(session, form));
      case 'POST /device/decision':
        return this.#withForm(exchange, decisionForm, (session, form) =>
          this.#decide(session, form.decision),
        );
      default:
        return problemPage('No such page', 'There is nothing at this address.', 404);
    }
  }

  #showCode(exchange: Exchange): Reply {
    const session = this.#sessions.find(exchange.headers) ?? this.#sessions.start();
    session.userCode = undefined;
    return codePage({
      csrf: session.csrf,
      userCode: (exchange.query.get('user_code') ?? '').slice(0, 20),
      cookie: this.#sessions.cookieFor(session),
    });
  }

  async #enterCode(session: BrowserSession, typed: string): Promise<Reply> {
    const found = await this.#requests.find(typed);
    if (typeof found === 'string') {
      return codePage({ csrf: session.csrf, userCode: typed, wrong: whyNot[found] });
    }
    session.userCode = found.userCode;
    return seeOther(this.#userOf(session) === undefined ? '/device/operator' : '/device/decision');
  }

  #signIn(session: BrowserSession, form: { operator: string; password: string }): Reply {
    const user = this.#store.findLive(this.#store.users, (one) => one.loginName === form.operator.trim());
    if (user?.human === undefined || !sameSecret(user.human.password, form.password)) {
      const wrong = 'Operator or password is not right.';
      return operatorPage({ csrf: session.csrf, loginName: form.operator, wrong });
    }
    const renewed = this.#sessions.renew(session);
    renewed.accountId = user.id;
    return seeOther('/device/decision', this.#sessions.cookieFor(renewed));
  }

  async #showDecision(session: BrowserSession): Promise<Reply> {
    const user = this.#userOf(session);
    if (session.userCode === undefined) return seeOther('/device');
    if (user === undefined) return seeOther('/device/operator');
    const found = await this.#requests.find(session.userCode);
    if (typeof found === 'string') return problemPage('This code cannot be used', whyNot[found]);
    return decisionPage({
      csrf: session.csrf,
      userCode: found.shownCode,
      operator: user.human?.displayName ?? user.userName,
      clientName: found.clientName,
      scopes: found.scopes,
    });
  }

  async #decide(session: BrowserSession, decision: 'approve' | 'deny'): Promise<Reply> {
    const user = this.#userOf(session);
    if (session.userCode === undefined || user === undefined) return seeOther('/device');
    const found = await this.#requests.find(session.userCode);
    if (typeof found === 'string') return problemPage('This code cannot be used', whyNot[found]);
    const orgId = requiredOrganisation(found.scopes);
    if (decision === 'approve' && orgId !== undefined && orgId !== user.orgId) {
      return problemPage(
        'This account cannot be used',
        'The station asks for an account of another organisation.',
        403,
      );
    }
    session.userCode = undefined;
    await (decision === 'approve' ? found.approve(user.id) : found.deny());
    return donePage(decision === 'approve');
  }

  #signOut(exchange: Exchange): Reply {
    const session = this.#sessions.find(exchange.headers);
    if (session !== undefined) this.#sessions.end(session);
    return signedOutPage(this.#sessions.clearingCookie);
  }

  #userOf(session: BrowserSession): User | undefined {
    return session.accountId === undefined
      ? undefined
      : this.#store.live(this.#store.users, session.accountId);
  }

  #withSession(
    exchange: Exchange,
    answer: (session: BrowserSession) => Reply | Promise<Reply>,
  ): Reply | Promise<Reply> {
    const session = this.#sessions.find(exchange.headers);
    return session?.userCode === undefined ? seeOther('/device') : answer(session);
  }

  /** Takes a form only from our own pages: same origin, session cookie and its token. */
  #withForm<T extends { csrf: string }>(
    exchange: Exchange,
    schema: z.ZodType<T>,
    answer: (session: BrowserSession, form: T) => Reply | Promise<Reply>,
  ): Reply | Promise<Reply> {
    const session = this.#sessions.find(exchange.headers);
    const form = schema.safeParse(Object.fromEntries(new URLSearchParams(exchange.body)));
    const origin = exchange.headers.origin;
    if (!form.success) return problemPage('This form is not complete', 'Start again with the code.');
    if (session === undefined || !sameSecret(session.csrf, form.data.csrf)) {
      return problemPage('This page is too old', 'Start again with the code.', 403);
    }
    if (origin !== undefined && origin !== this.#issuer) {
      return problemPage('Not from here', 'This form was sent from another site.', 403);
    }
    return answer(session, form.data);
  }
}

const firstPerson = labPeople.owner.loginName;

const whyNot = {
  unknown: 'No station is waiting with this code. Check it, or start the sign-in again on the station.',
  expired: 'This code has expired. Start the sign-in again on the station.',
  decided: 'This code has been used already. Start the sign-in again on the station.',
} as const;

function seeOther(location: string, cookie?: string): Reply {
  return {
    status: 303,
    headers: {
      location,
      'cache-control': 'no-store',
      ...(cookie === undefined ? {} : { 'set-cookie': cookie }),
    },
  };
}
