import { labPassword, labPeople } from './people.ts';

export interface OperatorWalk {
  readonly verificationUriComplete: string;
  /** Login name; the lab's organisation owner when absent. */
  readonly loginName?: string;
  readonly password?: string;
  readonly deny?: boolean;
  readonly signal: AbortSignal;
}

export class LabSignInError extends Error {
  override readonly name = 'LabSignInError';
}

const maxPages = 8;

/**
 * Decides a sign-in the way a person would, through the forms of the lab's own sign-in page.
 * For machines without a display.
 * @throws {LabSignInError} with the page's own words when the page refuses.
 */
export async function approveAsLabOperator(walk: OperatorWalk): Promise<void> {
  const browser = new FormBrowser(new URL(walk.verificationUriComplete), walk.signal);
  const fields: Record<string, string> = {
    operator: walk.loginName ?? labPeople.owner.loginName,
    password: walk.password ?? labPassword,
    decision: walk.deny === true ? 'deny' : 'approve',
  };
  let page = await browser.open();
  for (let count = 0; count < maxPages; count += 1) {
    if (page.step === 'done') return;
    if (page.alert !== undefined || page.form === undefined) {
      throw new LabSignInError(
        `The lab's sign-in page refused: ${page.alert ?? `no form on page "${page.step}"`}`,
      );
    }
    page = await browser.submit(page.form, fields);
  }
  throw new LabSignInError("The lab's sign-in page did not come to an end.");
}

interface Form {
  readonly action: string;
  /** Values as the page fills them in; radio groups hold the checked one. */
  readonly values: Readonly<Record<string, string>>;
  readonly names: ReadonlySet<string>;
}

interface ReadPage {
  readonly step: string;
  readonly alert: string | undefined;
  readonly form: Form | undefined;
}

/** Just enough of a browser for our own pages: cookies, redirects within one origin, one form per page. */
class FormBrowser {
  readonly #start: URL;
  readonly #signal: AbortSignal;
  readonly #cookies = new Map<string, string>();

  constructor(start: URL, signal: AbortSignal) {
    this.#start = start;
    this.#signal = signal;
  }

  open(): Promise<ReadPage> {
    return this.#load(this.#start, undefined);
  }

  submit(form: Form, chosen: Readonly<Record<string, string>>): Promise<ReadPage> {
    const body = new URLSearchParams(form.values);
    for (const [name, value] of Object.entries(chosen)) if (form.names.has(name)) body.set(name, value);
    return this.#load(new URL(form.action, this.#start), body);
  }

  async #load(from: URL, body: URLSearchParams | undefined): Promise<ReadPage> {
    let url = from;
    let form = body;
    for (let hops = 0; hops < 5; hops += 1) {
      if (url.origin !== this.#start.origin)
        throw new LabSignInError(`The sign-in page led away to ${url.origin}.`);
      const response = await fetch(url, {
        method: form === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'text/html',
          cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        },
        redirect: 'manual',
        signal: this.#signal,
        ...(form === undefined ? {} : { body: form }),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [name, value] = cookie.split(';', 1)[0]?.split('=') ?? [];
        if (name !== undefined && value !== undefined) this.#cookies.set(name, value);
      }
      const text = await response.text();
      const location = response.headers.get('location');
      if (location === null) return readPage(text);
      url = new URL(location, url);
      form = undefined;
    }
    throw new LabSignInError('The sign-in page redirected too often.');
  }
}

/** Reads one of our own pages: its step, its alert and its form. */
export function readPage(html: string): ReadPage {
  const alert = /<p class="wrong" role="alert">([^<]*)<\/p>/.exec(html)?.[1];
  return {
    step: /<main data-step="([a-z-]+)"/.exec(html)?.[1] ?? 'unknown',
    alert: alert === undefined ? undefined : decodeHtml(alert),
    form: readForm(html),
  };
}

function readForm(html: string): Form | undefined {
  const [, head, inner] = /<form ([^>]*)>([\s\S]*?)<\/form>/.exec(html) ?? [];
  if (head === undefined || inner === undefined) return undefined;
  const values: Record<string, string> = {};
  const names = new Set<string>();
  for (const [, tag, attributes = ''] of inner.matchAll(/<(input|button)\b([^>]*)>/g)) {
    const name = attribute(attributes, 'name');
    if (name === undefined) continue;
    names.add(name);
    const submitted =
      attribute(attributes, 'type') === 'radio' ? /\schecked\b/.test(attributes) : tag === 'input';
    if (submitted) values[name] = attribute(attributes, 'value') ?? '';
  }
  return { action: attribute(head, 'action') ?? '', values, names };
}

function attribute(attributes: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1];
  return value === undefined ? undefined : decodeHtml(value);
}

function decodeHtml(text: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (whole, name: string) => named[name] ?? whole);
}
