import { expect, it } from 'vitest';
import { sharedLogin } from './causes.ts';

it.each([
  [['ssh://a', 'ssh://b:2222'], 'pi'],
  [['ssh://admin@a', 'ssh://admin@b'], 'admin'],
  [['ssh://pi@a', 'ssh://b'], 'pi'],
  [['ssh://admin@a', 'ssh://b'], undefined],
  [['local://'], undefined],
  [['local://', 'ssh://a'], undefined],
  [['no address: at all'], undefined],
])('a password is asked for one account only where it is one: %j', (targets, login) => {
  expect(sharedLogin(targets, 'pi')).toBe(login);
});
