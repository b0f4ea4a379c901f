import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../model/error-codes.ts';
import { errorViewSchema } from '../model/station-state.ts';
import { describeThrown, EnrollmentError, toErrorView } from './enrollment-error.ts';
import { remedies } from './remedies.ts';
import type { Remedy } from './remedy.ts';

const all = Object.entries(remedies) as [keyof typeof remedies, Remedy][];

/** Names of details that are given somewhere in the core and its adapters. */
function detailNamesInUse(): Set<string> {
  const names = new Set<string>();
  const root = join(import.meta.dirname, '..');
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || /\.test\.ts$|^testing|remedies\.ts$/.test(file)) continue;
    for (const [, name] of readFileSync(join(root, file), 'utf8').matchAll(/\b(\w+)\b\s*[:,}]/g))
      names.add(name ?? '');
  }
  return names;
}

describe('remedies', () => {
  it.each(all)('%s tells what is, why and what to do, in whole sentences', (_code, remedy) => {
    for (const text of [remedy.says, remedy.cause, remedy.operatorDoes])
      expect(text).toMatch(/^[A-Z{].*[.}]$/);
    expect(remedy.title).toMatch(/^[A-Z]\w*.*[^.]$/i);
    if (remedy.secretNeeded) expect(remedy.operatorDoes).toMatch(/password|passphrase/);
  });

  it('have only places that somebody fills', () => {
    const used = detailNamesInUse();
    for (const [code, { says, cause, operatorDoes, title }] of all) {
      expect(title).not.toContain('{');
      for (const [, name] of `${says}${cause}${operatorDoes}`.matchAll(/\{(\w*)\}/g))
        expect(used, `${code}: {${name}}`).toContain(name);
    }
  });

  it('are there for every code, each of a known family', () => {
    expect(all.map(([code]) => code).sort()).toEqual([...errorCodes].sort());
    for (const code of errorCodes)
      expect(code).toMatch(/^(DEVICE|AGENT|IDENTITY|NATS|STATION|STEP)_[A-Z_]+$/);
  });
});

describe('an error view', () => {
  it('fills the places, and crosses a process as it is', () => {
    const error = new EnrollmentError('DEVICE_LOGIN_REFUSED', {
      details: { address: '10.0.0.1', user: 'pi' },
      ...{ phase: 'connect', stepId: 'connect', subject: 'board-1', evidence: 'line 1\nline 2' },
    });
    const view = toErrorView(error);
    expect(view).toMatchObject({
      says: 'The device at 10.0.0.1 refused the login of pi.',
      operatorDoes: 'Enter the SSH password for pi. It is kept in memory until this batch ends.',
      ...{ secretNeeded: 'ssh-password', evidence: 'line 1\nline 2', stepId: 'connect' },
    });
    expect(error.message).toBe(view.says);
    const crossed: unknown = JSON.parse(JSON.stringify(view));
    expect(errorViewSchema.parse(crossed)).toEqual(crossed);
  });

  it('makes everything from outside printable', () => {
    const view = toErrorView(
      new EnrollmentError('DEVICE_UNREACHABLE', {
        ...{ details: { address: 'a\x1b[2J' }, subject: 'b\u202e', evidence: 'c\x07' },
      }),
    );
    expect([view.says, view.subject, view.evidence]).toEqual([
      ...['Nothing answers at a\\x1b[2J.', 'b\\u{202e}', 'c\\x07'],
    ]);
  });

  it('does not fill places that a detail brings along', () => {
    const details = { address: '{user}', user: 'pi' };
    expect(toErrorView(new EnrollmentError('DEVICE_UNREACHABLE', { details })).says).toContain('{user}');
  });

  it('says of any other throw that it is a fault of the station, without a stack', () => {
    const view = toErrorView(new TypeError('x is undefined', { cause: new Error('inner') }));
    expect(view).toMatchObject({
      code: 'STATION_BUG',
      evidence: 'TypeError: x is undefined; cause: Error: inner',
    });
    expect(describeThrown('text')).toBe('text');
  });

  it('tells what it knows of an object that is no error, and none of its other fields', () => {
    expect(describeThrown({ level: 'client-timeout', password: 'canary' })).toBe(
      'Object (level client-timeout)',
    );
    expect(describeThrown(new Error('no reply', { cause: new Response(null, { status: 503 }) }))).toBe(
      'Error: no reply; cause: Response (status 503)',
    );
    expect(describeThrown({ message: 'x', code: 7 })).toBe('Object (message x, code 7)');
    expect(describeThrown(Object.create(null))).toBe('Object');
  });

  it('keeps the place it has and takes the one it lacks', () => {
    const error = new EnrollmentError('DEVICE_TIMEOUT', { stepId: 'unit', cause: 'c', evidence: 'e' });
    const placed = error.at({ stepId: 'user', subject: 'board-1' });
    expect(placed).toMatchObject({ stepId: 'unit', subject: 'board-1', cause: 'c', evidence: 'e' });
  });
});
