import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadProfile, parseProfile } from './profile-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-profile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const signal = new AbortController().signal;
const path = join(folder, 'fleet.toml');

const good = `name = "Line 1"
[identity]
issuer = "https://id.example"
client_id = "1"
project_id = "2"
ca_file = "certs/ca.pem"
[ssh]
private_key_file = "keys/bench"
[agent]
binaries = { x86_64 = "bin/agent", aarch64 = "/opt/agent" }
`;

function problemOf(text: string): unknown {
  try {
    parseProfile(text, path);
    return 'valid';
  } catch (error) {
    expect(error).toMatchObject({ code: 'STATION_PROFILE_INVALID', details: { path } });
    return (error as { details: { problem: unknown } }).details.problem;
  }
}

describe('profile', () => {
  it('sees file names from the folder of the profile', () => {
    const profile = parseProfile(good, path);
    expect(profile.identity.ca_file).toBe(join(folder, 'certs/ca.pem'));
    expect(profile.ssh.private_key_file).toBe(join(folder, 'keys/bench'));
    const home = parseProfile(
      good.replace('keys/bench"', 'k"\nconfig_file = "~/.ssh/config"\nknown_hosts_file = "kh"'),
      path,
    );
    expect(home.ssh.config_file).toBe(join(homedir(), '.ssh/config'));
    expect(home.ssh.known_hosts_file).toBe(join(folder, 'kh'));
    expect(profile.agent.binaries).toEqual({ x86_64: join(folder, 'bin/agent'), aarch64: '/opt/agent' });
  });

  it.each([
    ['no TOML', 'name = ', /^line 1, column \d+: /],
    ['a missing key', good.replace(/^client_id.*$/m, ''), 'identity.client_id: is missing'],
    [
      'a misspelt key',
      good.replace('client_id', 'clientid'),
      /identity\.(client_id: is missing|clientid: is not a setting)/,
    ],
    [
      'an unknown key',
      `${good}\n[batch]\nconcurency = 3\n`,
      'batch.concurency: is not a setting of a profile',
    ],
    ['a wrong type', good.replace('client_id = "1"', 'client_id = 1'), /^identity\.client_id: /],
    [
      'a bad bench entry',
      `${good}\n[[bench]]\ndevice_id = "Press"\ntarget = "10.0.0.1"\n`,
      /^bench\[1\]\.device_id: Capital P/,
    ],
    ['plain http', good.replace('https://id.example', 'http://id.example'), /^identity\.issuer: plain http/],
  ])('explains %s', (_name, text, problem) => {
    if (typeof problem === 'string') expect(problemOf(text)).toBe(problem);
    else expect(problemOf(text)).toMatch(problem);
  });

  it('accepts plain http on loopback', () => {
    expect(problemOf(good.replace('https://id.example', 'http://127.0.0.1:8080'))).toBe('valid');
  });

  it('says when the file cannot be read', async () => {
    await expect(loadProfile(join(folder, 'none.toml'), signal)).rejects.toMatchObject({
      code: 'STATION_PROFILE_UNREADABLE',
    });
    await expect(loadProfile(folder, signal)).rejects.toMatchObject({ code: 'STATION_PROFILE_UNREADABLE' });
  });
});
