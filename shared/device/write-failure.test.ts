import { existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { commandFailure } from './command-failure.ts';
import { writeConfig } from './commands.ts';
import { raiseEpoch } from './fence.ts';
import { composeTrip, type Fragment } from './fragment.ts';
import { adoptBornKey } from './key-birth.ts';
import { bornKeyPath, configDirectory, epochPath } from './paths.ts';
import { orTellWhy } from './write-failure.ts';

/** Takes nothing: every write says that the disk is full (full(4)). */
const full = '/dev/full';
const isThere = existsSync(full);
if (!isThere) console.warn(`SKIPPED: a full disk: there is no ${full}.`);

describe.skipIf(!isThere)('a write of the shell to a full disk', () => {
  let root: TemporaryRoot;
  beforeEach(() => {
    root = new TemporaryRoot();
    for (const name of ['chown', 'systemctl']) root.standIn(name, ':');
    // A temporary file on a disk that is full.
    root.standIn('mktemp', `f=\${1%XXXXXXXX}full; ln -s ${full} "$f"; echo "$f"`);
    root.standIn('openssl', 'echo cHVibGlj');
    root.write(bornKeyPath('pair'), 'private');
    // The epoch's has a name of its own: one that was left is removed, and what comes in its place takes nothing.
    root.write(`${epochPath}.new`, 'left');
    const [leftOver, once] = [`${root.on(epochPath)}.new`, root.on('/run/once')];
    const replaced = `[ "$2" = '${leftOver}' ] && mkdir '${once}' 2>/dev/null`;
    root.standIn('rm', `/bin/rm "$@"; if ${replaced}; then ln -s ${full} "$2"; fi`);
  });
  afterEach(() => root.remove());

  const key = { keyId: '1', userId: '2', pair: 'pair', publicBase64: 'cHVibGlj' };
  it.each<[string, Fragment]>([
    ['the config', writeConfig('[agent]\n')],
    ['a key born on the device', adoptBornKey(key)],
    ['the epoch', raiseEpoch()],
  ])('is told as one: %s, of which nothing is left', (_what, fragment) => {
    const { script } = composeTrip('test', 'c0ffee', [{ step: 'key-config', fragments: [fragment] }]);
    const { status, stdout, stderr } = runShell(script, { env: root.env });
    expect(status).toBe(1);
    expect(commandFailure('key-config', status ?? 0, `${stdout}${stderr}`)).toMatchObject({
      code: 'DEVICE_DISK_FULL',
      details: { place: configDirectory },
    });
    const left = readdirSync(root.on(configDirectory)).map((name) => `${configDirectory}/${name}`);
    expect(left.filter((path) => path !== `${epochPath}.new`)).toEqual([]);
  });

  it('ends the script, and is not mistaken for one that went well', () => {
    const ended = runShell(`set -eu\nt=${full}\nprintf x > "$t" ${orTellWhy('$t')}\necho went on`, {});
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toContain('No space left on device');
    const well = runShell(`set -eu\nt=/dev/null\nprintf x > "$t" ${orTellWhy('$t')}\necho went on`, {});
    expect(well).toMatchObject({ status: 0, stdout: 'went on\n', stderr: '' });
  });
});
