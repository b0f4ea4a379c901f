import { expect, test } from 'vitest';
import { mirrorIn } from './apt-mirror.ts';

test('finds the main archive in both formats and skips security, comments and others', () => {
  const old = [
    '# deb http://old.example/debian bookworm main',
    'deb http://security.example/debian-security bookworm-security main',
    'deb [signed-by=/k.gpg] https://near.example/debian bookworm main',
  ];
  expect(mirrorIn(old.join('\n'))).toBe('https://near.example/debian');
  expect(mirrorIn('Types: deb\nURIs: http://near.example/debian/\nSuites: bookworm')).toBe(
    'http://near.example/debian/',
  );
  expect(mirrorIn('deb https://packages.example/node nodistro main')).toBeUndefined();
  expect(mirrorIn('deb cdrom:[Debian]/ bookworm main')).toBeUndefined();
});
