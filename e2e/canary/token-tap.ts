import type { FaultRequest, Faults } from '../lab/identity/faults.ts';

/**
 * Keeps every token that came to the lab's provider, by looking at requests: the real ones of a real run are the marks a
 * scan looks for. Injects nothing.
 */
export class TokenTap implements Faults {
  readonly #access = new Set<string>();
  readonly #refresh = new Set<string>();
  /** Called for every request, after its tokens were kept. */
  onRequest: (request: FaultRequest) => void = () => undefined;

  before(request: FaultRequest): undefined {
    const bearer = /^Bearer\s+(\S+)$/i.exec(String(request.headers.authorization ?? ''))?.[1];
    if (bearer !== undefined) this.#access.add(bearer);
    const form = new URLSearchParams(request.body);
    for (const name of ['refresh_token', 'token']) {
      const value = form.get(name);
      if (value !== null) this.#refresh.add(value);
    }
    this.onRequest(request);
    return undefined;
  }

  /** By name, for a scan. */
  secrets(): Record<string, string> {
    const named = (kind: string, tokens: ReadonlySet<string>) =>
      [...tokens].map((token, index) => [`${kind} token ${index + 1}`, token] as const);
    return Object.fromEntries([...named('access', this.#access), ...named('refresh', this.#refresh)]);
  }
}
