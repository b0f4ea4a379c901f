import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPage } from './operator-walk.ts';
import { codePage, operatorPage, problemPage } from './pages/device-html.ts';

describe('reading our own pages', () => {
  it('gives back any code and any token exactly as the page was given them', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (csrf, userCode) => {
        const page = readPage(String(codePage({ csrf, userCode }).body));
        expect(page.step).toBe('code');
        expect(page.form?.values).toEqual({ csrf, user_code: userCode });
      }),
    );
  });

  it('gives back any alert', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (wrong) => {
        expect(readPage(String(problemPage('Problem', wrong).body)).alert).toBe(wrong);
      }),
    );
  });

  it('submits the checked operator only', () => {
    const page = readPage(String(operatorPage({ csrf: 'c', loginName: 'auditor@muster.lab' }).body));
    expect(page.form?.values).toMatchObject({ csrf: 'c', operator: 'auditor@muster.lab' });
    expect(page.form?.action).toBe('/device/operator');
  });

  it('never throws on a page of somebody else', () => {
    fc.assert(fc.property(fc.string(), (html) => void readPage(html)));
  });
});
