import { expect, it } from 'vitest';
import { projectRoles } from './access-token-verifier.ts';

const roles = (...names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [name, { '1': 'muster.lab' }]));
const own = 'urn:zitadel:iam:org:project:roles';
const named = (project: string): string => `urn:zitadel:iam:org:project:${project}:roles`;

it.each([
  ['the claim that names the project', { [named('7')]: roles('device', 'x') }, ['device', 'x']],
  ["the client's own claim where none names a project", { [own]: roles('device') }, ['device']],
  [
    "not the client's own claim beside another project's",
    { [own]: roles('device'), [named('8')]: roles('device') },
    [],
  ],
  ['nothing of another project', { [named('8')]: roles('device') }, []],
  ['nothing from a list, which is not the shape of this claim', { [named('7')]: ['device'] }, []],
  ['nothing without claims', {}, []],
])('takes from a token %s', (_what, payload, expected) => {
  expect(projectRoles(payload, '7')).toEqual(expected);
});
