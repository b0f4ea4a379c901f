import { expect, launchStation, test, enginePid, snapshot } from './fixtures.ts';
import { environmentOf } from './process-tree.ts';
test('probe', async () => {
  const s = await launchStation({ env: { MUSTER_CANARY: 'kept', CANARY_TOKEN: 'x' } });
  await snapshot(s.page);
  console.log(Object.keys(environmentOf((await enginePid(s.app)) ?? 0)));
  await s.app.evaluate(({ webContents }) => {
    const L: string[] = []; Object.assign(globalThis, { L });
    const c = webContents.getAllWebContents()[0]!;
    for (const e of ['render-process-gone','did-start-navigation','did-navigate','did-finish-load','did-fail-load','crashed']) (c as any).on(e, (ev: any, ...r: any[]) => L.push(e + ' ' + (ev.url ?? '') + JSON.stringify(r)));
    c.forcefullyCrashRenderer();
  });
  await new Promise(r => setTimeout(r, 3000));
  console.log(await s.app.evaluate(({ webContents }) => ({ L: (globalThis as any).L, u: webContents.getAllWebContents().map(c => [c.getURL(), c.isCrashed(), c.isLoading()]) })));
  await s.app.evaluate(({ webContents }) => webContents.getAllWebContents()[0]!.loadURL('muster://app/index.html').catch(e => String(e))).then(console.log);
  console.log(await s.app.evaluate(({ webContents }) => ({ L: (globalThis as any).L, u: webContents.getAllWebContents().map(c => [c.getURL(), c.isCrashed(), c.isLoading()]) })));
  await s.close();
});
