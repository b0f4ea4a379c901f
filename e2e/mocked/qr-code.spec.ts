import { readBitmap } from '../screens/qr-code.ts';
import { expect, test } from './fixtures.ts';
import * as states from './states/stations.ts';

for (const theme of ['dark', 'light'] as const)
  test(`a phone reads the page of the code out of the QR code, ${theme}`, async ({ station }) => {
    await station.show(states.signIn, { theme });
    const code = station.page.getByRole('img', { name: /^QR code of/ });
    expect(readBitmap(await station.bitmapOf(code))).toBe(states.awaiting.verificationUriComplete);
  });
