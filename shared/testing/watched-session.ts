import { Session } from '../engine/session.ts';
import type { Lamp, SessionView } from '../model/station-state.ts';
import { FakeClock, settled } from './fake-clock.ts';
import { CountingRandom } from './fake-ports.ts';
import { FakeSignInClient, FakeTokenCache } from './fake-sign-in.ts';
import { RecordingLogger } from './recording-logger.ts';

/** A session between a client, a keychain and a clock of the test, and all that it showed. */
export class WatchedSession {
  readonly clock = new FakeClock();
  readonly client = new FakeSignInClient(this.clock);
  readonly cache = new FakeTokenCache();
  readonly logger = new RecordingLogger();
  readonly views: SessionView[] = [];
  readonly lamps: Lamp[] = [];
  /** How often a sign-in became usable. */
  signedIn = 0;
  openBrowser: () => Promise<boolean> = async () => false;
  readonly session = new Session(
    {
      ...{ clock: this.clock, random: new CountingRandom(), logger: this.logger },
      ...{ client: this.client, cache: this.cache },
    },
    {
      onSession: (view) => {
        this.views.push(view);
      },
      onKeychain: (lamp) => {
        this.lamps.push(lamp);
      },
      openBrowser: () => this.openBrowser(),
      onSignedIn: () => {
        this.signedIn += 1;
      },
    },
  );

  /** A person signs in. */
  async signIn(): Promise<void> {
    const done = this.session.signIn();
    await settled();
    this.client.approve();
    await done;
  }
}
