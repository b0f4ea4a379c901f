import { homedir, userInfo } from 'node:os';
import { expect, it } from 'vitest';
import { homeFolder, systemAccount } from './account.ts';

const nobody = (): never => {
  throw new Error('ENOENT: no such file or directory, uv_os_get_passwd');
};

it('the account is the one the system knows', () => {
  const { username: name, homedir: home } = userInfo();
  expect(systemAccount()).toEqual({ name, home });
  expect(homeFolder()).toBe(homedir());
});

it('a number that no account has stands for itself', () => {
  expect(systemAccount(nobody, 54321)).toEqual({ name: '54321', home: '/' });
  expect(homeFolder(nobody)).toBeUndefined();
});
