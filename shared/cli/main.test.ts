import { afterEach, describe, expect, it, vi } from 'vitest';
import { main } from './main.ts';

describe('the program', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  /** Listeners that a run puts on its process, which is that of the tests here. */
  const places: readonly (readonly [NodeJS.EventEmitter, string])[] = [
    ...['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => [process, signal] as const),
    ...[process.stdout, process.stderr].map((stream) => [stream, 'error'] as const),
  ];

  async function run(...args: readonly string[]) {
    let written = '';
    const take = (text: string | Uint8Array, done?: unknown): boolean => {
      written += text.toString();
      if (typeof done === 'function') done();
      return true;
    };
    for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(take);
    const before = places.map(([emitter, event]) => emitter.listeners(event));
    const code = await main(args);
    for (const [index, [emitter, event]] of places.entries())
      for (const listener of emitter.listeners(event))
        if (!before[index]?.includes(listener)) emitter.off(event, listener as () => void);
    vi.restoreAllMocks();
    return { code, written };
  }

  it.each([[['--help']], [['--version']], [['batch', '--help']]])(
    'answers %j, whatever the variables of secrets hold',
    async (args) => {
      vi.stubEnv('MUSTER_ADMIN_TOKEN', '');
      vi.stubEnv('MUSTER_SSH_PASSWORD_FILE', '/nowhere/at/all');
      expect(await run(...args)).toMatchObject({ code: 0 });
    },
  );

  it.each([
    [['enroll', '--target', 'local', '--device-id', 'a']],
    [['decommission', 'a']],
    [['doctor', '--target', 'local']],
    [['devices']],
    [['status']],
  ])('tells %j at once that a secret cannot be used', async (args) => {
    vi.stubEnv('MUSTER_ADMIN_TOKEN', '');
    const { code, written } = await run(...args);
    expect(code).toBe(2);
    expect(written).toContain('MUSTER_ADMIN_TOKEN: it is empty.');
  });
});
