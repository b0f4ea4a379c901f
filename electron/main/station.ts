import fs from 'node:fs';
import path from 'node:path';
import { app, type BrowserWindow, type WebContents } from 'electron';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import { type InvokeChannel, ipc, type NotifyChannel, type Result } from '#shared/contract/ipc.ts';
import { EnrollmentError, toErrorView } from '#shared/errors/enrollment-error.ts';
import type { SetUpView } from '#shared/model/set-up-view.ts';
import { chooseFile } from './choose-file.ts';
import { EngineProcess } from './engine-process.ts';
import { requestInvalid, valueAnswer } from './ipc/answers.ts';
import { handleIpc } from './ipc/handlers.ts';
import { mainHandlers, openInBrowser } from './ipc/main-handlers.ts';
import { profileHandlers } from './ipc/profile-handlers.ts';
import { LabProcess } from './lab-process.ts';
import { ClientConfigImport } from './profiles/client-config-import.ts';
import { ProfileLibrary } from './profiles/profile-library.ts';
import { type EndingWindow, quitInOrder } from './quit.ts';
import { listRendererFiles } from './renderer-files.ts';
import { serveApp } from './scheme.ts';
import { stationSession } from './security/guard.ts';
import { StationView } from './station-view.ts';
import { endOfWindow, openWindow } from './window.ts';

const PROFILE_LIMIT_MS = 10_000;

export interface StationOptions {
  readonly profile: string | undefined;
  readonly lab: boolean;
  readonly devices: number | undefined;
  readonly development: boolean;
  readonly folders: {
    /** Where the main-world bundles are: engine.js, and lab.js in a development build. */
    readonly bundles: string;
    readonly preload: string;
    readonly renderer: string;
    readonly userData: string;
  };
}

/** Puts window, engine and, where asked for, the lab together. Call once the app is ready. */
export function startStation(options: StationOptions): void {
  new Station(options).start();
}

class Station {
  readonly #options: StationOptions;
  readonly #view: StationView;
  #window: BrowserWindow | undefined;
  #windowEnd: EndingWindow | undefined;
  #engine: EngineProcess | undefined;
  #lab: LabProcess | undefined;
  readonly #library: ProfileLibrary;
  readonly #import: ClientConfigImport;
  /** What the newest set-up has written. */
  #setUpProfile: string | undefined;
  /** What the lab's profile needs besides. */
  #labEnv: Readonly<Record<string, string>> = {};
  /** The profile that is being opened; the next one waits for it. */
  #opening: Promise<void> = Promise.resolve();
  #ending = false;

  constructor(options: StationOptions) {
    this.#options = options;
    this.#view = new StationView({
      version: app.getVersion(),
      nowMs: () => Date.now(),
      send: (delta) => this.#sendToWindow('station.delta', JSON.stringify(delta)),
    });
    this.#library = new ProfileLibrary({
      userDataDir: options.folders.userData,
      onProblem: (text) => this.#view.notify({ id: 'main-profiles', tone: 'attention', text }),
    });
    this.#import = new ClientConfigImport(options.folders.userData);
  }

  start(): void {
    const { folders, development } = this.#options;
    this.#endTogether();
    // The engine first: it starts in its own process while the window draws.
    if (this.#options.lab) void this.#startLab();
    else this.#startOwnEngine();
    handleIpc({
      handlers: {
        ...mainHandlers(this.#view),
        ...profileHandlers({
          library: this.#library,
          clientConfig: this.#import,
          open: (file) => this.#open(file),
          takeSetUpProfile: () => this.#takeSetUpProfile(),
          chooseFile: (kind) => chooseFile(this.#window, kind),
        }),
      },
      forward: (channel, input) => this.#forward(channel, input),
      onRefusedSender: (channel, address) =>
        warn(`A request for ${channel} came from ${address} and was refused.`),
    });
    const session = stationSession();
    serveApp(session, listRendererFiles(folders.renderer));
    const placeFile = path.join(folders.userData, 'window.json');
    this.#window = openWindow({ session, preload: folders.preload, placeFile, development });
    this.#windowEnd = endOfWindow(this.#window, () =>
      warn('The page hung at the end of the app, and was ended.'),
    );
    app.on('second-instance', () => {
      if (this.#window?.isMinimized()) this.#window.restore();
      this.#window?.focus();
    });
    this.#endSetUpWithPage(this.#window.webContents);
  }

  /** A page that is loaded anew, or has crashed, cannot say that it shows the set-up no more. */
  #endSetUpWithPage(contents: WebContents): void {
    const leave = (): void => void this.#engine?.call('setup.leaveScreen', null);
    contents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) leave();
    });
    contents.on('render-process-gone', leave);
  }

  #startEngine(profile: string, extraEnv: Readonly<Record<string, string>>): void {
    const { folders } = this.#options;
    const args = [`--user-data-dir=${folders.userData}`, `--version=${app.getVersion()}`];
    const engine = new EngineProcess({
      file: path.join(folders.bundles, 'engine.js'),
      args: [...args, `--profile=${profile}`],
      extraEnv,
      onReady: (restarted) => void this.#onEngineReady(restarted),
      onNotify: (channel, json) => {
        // What an engine says while it ends is not about the profile that is being opened.
        if (this.#engine === engine) this.#onNotify(channel, json);
      },
      onGivenUp: () => this.#onEngineGivenUp(),
      openBrowser: (url) => openInBrowser(url, this.#view.issuer),
      resolveProxy: (url) => stationSession().resolveProxy(url),
      warn,
    });
    this.#engine = engine;
    engine.start();
  }

  /** What the command line names wins, for this run; else the profile that was opened last. */
  #startOwnEngine(): void {
    const { profile } = this.#options;
    if (profile === undefined) this.#library.openFirst(this.#library.first);
    else this.#library.openGiven(profile);
    this.#startEngine(profile ?? this.#library.first, {});
  }

  /** The path is the engine's own: a window cannot have another profile loaded. */
  #takeSetUpProfile(): string {
    const profile = this.#setUpProfile;
    if (profile === undefined) throw requestInvalid('no set-up has written a profile yet');
    return profile;
  }

  /**
   * Goes on with another profile, with an engine of its own.
   * @throws STATION_BUSY, STATION_PROFILE_UNREADABLE, STATION_PROFILE_INVALID; then nothing has changed
   */
  #open(file: string): Promise<void> {
    const opened = this.#opening.then(() => this.#openNow(file));
    this.#opening = opened.catch(() => undefined);
    return opened;
  }

  async #openNow(file: string): Promise<void> {
    const profile = await loadProfile(file, AbortSignal.timeout(PROFILE_LIMIT_MS));
    // After the reading, which may take a while: what was begun meanwhile is not cut off.
    if (this.#view.isBusy) throw new EnrollmentError('STATION_BUSY');
    this.#library.keepOpened(file, profile);
    const before = this.#engine;
    this.#engine = undefined;
    this.#setUpProfile = undefined;
    this.#view.standInAs('starting');
    this.#view.dismiss('main-engine');
    await before?.stop();
    if (this.#ending) return;
    this.#startEngine(file, this.#library.isGiven(file) ? this.#labEnv : {});
    this.#view.standInAs(undefined);
  }

  async #startLab(): Promise<void> {
    const { folders, devices } = this.#options;
    const file = path.join(folders.bundles, 'lab.js');
    const folder = path.join(folders.userData, 'lab');
    this.#view.standInAs('starting');
    this.#lab = new LabProcess({
      file,
      args: [`--folder=${folder}`, ...(devices === undefined ? [] : [`--devices=${devices}`])],
      onProgress: (text) => this.#view.notify({ id: 'main-lab', tone: 'info', text }),
      onLost: () =>
        this.#view.notify({
          id: 'main-lab',
          tone: 'failed',
          text: 'The lab ended. Close the station and start it again.',
        }),
    });
    try {
      if (!fs.existsSync(file))
        throw new Error('This build of the station carries no lab. Start it with --profile FILE.');
      const { profilePath, env } = await this.#lab.start();
      if (this.#lab.stopped) return;
      this.#view.dismiss('main-lab');
      this.#labEnv = env;
      this.#library.openGiven(profilePath);
      this.#startEngine(profilePath, env);
      this.#view.standInAs(undefined);
    } catch (error) {
      if (this.#lab.stopped) return;
      const text = error instanceof Error ? error.message : String(error);
      warn(`The lab could not start: ${text}`);
      this.#view.notify({ id: 'main-lab', tone: 'failed', text: `The lab could not start. ${text}` });
      this.#view.standInAs('failed');
    }
  }

  async #onEngineReady(restarted: boolean): Promise<void> {
    // Seen here even before the window asks: the sign-in page may be opened by the engine itself.
    await this.#snapshot();
    if (!restarted) return;
    const clock = new Date().toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
    this.#view.notify({
      id: 'main-engine',
      tone: 'attention',
      text: `The engine restarted at ${clock}. Check what was running and retry it where needed.`,
    });
  }

  #onEngineGivenUp(): void {
    this.#view.notify({
      id: 'main-engine',
      tone: 'failed',
      text: 'The engine stopped again and again and is not started any more. Close the station, start it again, and report it with its log.',
    });
    this.#view.standInAs('failed');
  }

  #onNotify(channel: NotifyChannel, json: string): void {
    try {
      const payload = ipc[channel].payload.parse(JSON.parse(json));
      const seen =
        channel === 'station.delta'
          ? this.#view.onDelta(ipc['station.delta'].payload.parse(payload))
          : payload;
      if (channel === 'setup.changed') this.#onSetUp(ipc['setup.changed'].payload.parse(payload));
      this.#sendToWindow(channel, JSON.stringify(seen));
    } catch (error) {
      warn(
        `The engine sent ${channel} in another shape: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #onSetUp(view: SetUpView): void {
    if (view.state === 'done') this.#setUpProfile = view.profilePath;
  }

  async #forward(channel: InvokeChannel, input: unknown): Promise<string> {
    if (channel === 'station.snapshot') return await this.#snapshot();
    if (channel === 'station.dismissNotice' && this.#view.dismiss((input as { id: string }).id))
      return valueAnswer(null);
    return JSON.stringify(await this.#ask(channel, input));
  }

  async #snapshot(): Promise<string> {
    const { standIn } = this.#view;
    if (standIn !== undefined) return valueAnswer(standIn);
    const answer = await this.#ask('station.snapshot', null);
    if (!answer.ok) return JSON.stringify(answer);
    return valueAnswer(this.#view.onSnapshot(ipc['station.snapshot'].output.parse(answer.value)));
  }

  async #ask(channel: InvokeChannel, input: unknown): Promise<Result<unknown>> {
    if (this.#engine !== undefined) return await this.#engine.call(channel, input);
    return {
      ok: false,
      error: toErrorView(new EnrollmentError('STATION_ENGINE_LOST', { evidence: 'It was not started yet.' })),
    };
  }

  #sendToWindow(channel: NotifyChannel, json: string): void {
    const contents = this.#window?.webContents;
    if (contents !== undefined && !contents.isDestroyed()) contents.send(channel, json);
  }

  /** The window's end is the app's end; engine and lab get the time to leave nothing behind. */
  #endTogether(): void {
    app.on('window-all-closed', () => app.quit());
    app.on('before-quit', (event) => {
      event.preventDefault();
      if (this.#ending) return;
      this.#ending = true;
      void quitInOrder({
        window: this.#windowEnd,
        stopParts: () => this.#stopParts(),
        exit: (status) => app.exit(status),
        warn,
      });
    });
  }

  async #stopParts(): Promise<void> {
    // An engine that gives way to another one is ended there.
    await this.#opening;
    await this.#engine?.stop();
    await this.#lab?.stop();
  }
}

function warn(text: string): void {
  process.stderr.write(`muster: ${text}\n`);
}
