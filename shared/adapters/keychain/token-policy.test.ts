import { expect, it } from 'vitest';
import { profileSchema } from '../../model/profile.ts';
import { tokenCacheFor } from './token-policy.ts';

const profileOf = (identity: object) =>
  profileSchema.parse({
    name: 'x',
    identity: { issuer: 'https://id.example', client_id: '1', project_id: '2', ...identity },
    agent: { binaries: {} },
  });

it.each([
  [{}, undefined, 'System keychain'],
  [{ token_cache: 'refresh' }, undefined, 'System keychain'],
  [{ token_cache: 'no-cache' }, undefined, 'Memory of this station'],
  [{ token_file: '/x/sign-in.json' }, undefined, 'File /x/sign-in.json'],
  [{ token_file: '/x/sign-in.json', token_cache: 'refresh' }, undefined, 'File /x/sign-in.json'],
  [{ token_file: '/x/sign-in.json' }, 'no-cache', 'Memory of this station'],
  [{ token_cache: 'no-cache' }, 'default', 'System keychain'],
] as const)('a profile with %j, and %s on the command line: %s', (identity, named, place) => {
  expect(tokenCacheFor(profileOf(identity), named).place).toBe(place);
});
