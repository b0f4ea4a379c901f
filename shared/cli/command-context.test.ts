import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { profileSchema } from '../model/profile.ts';
import { type CommandContext, openPorts } from './command-context.ts';
import { Output } from './output.ts';

it.each([true, false])(
  'accepting any certificate (%s) is told in red before anything is done',
  async (danger) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'muster-context-'));
    const notes: string[] = [];
    const sink = { isTTY: true, write: () => undefined };
    const context = {
      output: new Output({
        stdout: sink,
        stderr: { write: (text: string) => void notes.push(text) },
        json: false,
        noColour: false,
        nowMs: () => 0,
      }),
      secrets: {},
      environment: {},
    } as unknown as CommandContext;
    const profile = profileSchema.parse({
      name: 'x',
      identity: {
        ...{ issuer: 'https://id.example', client_id: '1', project_id: '2' },
        danger_accept_invalid_certs: danger,
      },
      agent: { binaries: {} },
    });
    await openPorts(context, profile, { stateDir: folder, tokenCache: 'no-cache' }, 'write').close();
    await rm(folder, { recursive: true, force: true });
    expect(notes).toEqual(
      danger
        ? [
            '\u001b[31mdanger_accept_invalid_certs: any certificate is believed. The sign-in can be read on its way.\u001b[0m\n',
          ]
        : [],
    );
  },
);
