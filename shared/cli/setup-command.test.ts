import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { Secret } from '../model/secret.ts';
import type { CommandContext } from './command-context.ts';
import { Output } from './output.ts';
import { setUpZitadel } from './setup-command.ts';

const WARNING =
  '\u001b[31mdanger_accept_invalid_certs: any certificate is believed. The sign-in can be read on its way.\u001b[0m\n';

it.each([
  [{ dangerAcceptInvalidCerts: true }, [WARNING]],
  [{ dangerAcceptInvalidCerts: true, dryRun: true }, [WARNING]],
  [{}, []],
])('a set-up tells in red that certificates are not checked: %o', async (options, told) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'muster-setup-'));
  const notes: string[] = [];
  const context = {
    output: new Output({
      stdout: { isTTY: true, write: () => undefined },
      stderr: { write: (text: string) => void notes.push(text) },
      json: false,
      noColour: false,
      nowMs: () => 0,
    }),
    interrupts: { signal: new AbortController().signal },
    secrets: { token: { value: new Secret('opaque'), variable: 'MUSTER_ADMIN_TOKEN' } },
    environment: {},
  } as unknown as CommandContext;
  // Nobody listens on this port, so that the set-up ends at its first question.
  const run = setUpZitadel(context, {
    ...{ issuerUrl: 'http://127.0.0.1:1', project: 'fleet', out: path.join(folder, 'out') },
    ...options,
  });
  await expect(run).rejects.toMatchObject({ code: 'IDENTITY_UNREACHABLE' });
  await rm(folder, { recursive: true, force: true });
  expect(notes).toEqual(told);
});
