import { keyPath } from '#shared/device/paths.ts';
import type { Profile } from '#shared/model/profile.ts';
import { buildProfile } from '#shared/testing/builders.ts';
import { FakeDevice } from '#shared/testing/fake-device.ts';
import { FakeHeartbeats } from '#shared/testing/fake-heartbeats.ts';
import { sha256 } from '#shared/testing/fake-ports.ts';
import { MemoryJournal } from '#shared/testing/memory-journal.ts';
import { type FaultPlan, type FaultRates, faultPlan } from '../identity/fault-plan.ts';
import type { FaultRequest } from '../identity/faults.ts';
import { FastClock } from './fast-clock.ts';
import { logInWithKey, type MachineKeyFile } from './machine-login.ts';
import { Life } from './mortal.ts';
import type { ProofLab } from './proof-lab.ts';
import { ProofStation } from './proof-station.ts';
import { seededChance } from './seeded-chance.ts';

/** Minutes of a station pass in seconds; a request on loopback takes it half a second then, as one over the world. */
const FASTER = 60;
const MOST_ROUNDS = 8;

const rates: FaultRates = {
  rival: 0.06,
  tooMany: 0.02,
  tooManyUntold: 0.02,
  internal: 0.03,
  unavailable: 0.02,
  gatewayTimeout: 0.03,
  lostReply: 0.04,
  cut: 0.03,
  hang: 0.01,
  endToken: 0.02,
  delay: 0.1,
};

/** What happened in one world, and what is wrong with its end. */
export interface StormReport {
  readonly seed: number;
  readonly faults: FaultPlan['counts'];
  readonly crashes: number;
  readonly lostConnections: number;
  readonly enrollments: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly keysMade: number;
  readonly keysDeleted: number;
  /** Sentences; none when every promise was kept. */
  readonly broken: readonly string[];
}

/**
 * One world: two or three stations enroll overlapping ids at once through a storm of faults, crashes and lost
 * connections. Then the weather clears, stations start again with their journals and enroll until it works.
 */
export async function storm(
  lab: ProofLab,
  seed: number,
  makeKeyPair: () => { privatePem: string; publicBase64: string },
): Promise<StormReport> {
  const world = new StormWorld(lab, seed, makeKeyPair);
  try {
    return await world.run();
  } finally {
    world.end();
  }
}

class StormWorld {
  readonly #lab: ProofLab;
  readonly #seed: number;
  readonly #chance: () => number;
  readonly #clock = new FastClock(FASTER);
  readonly #heartbeats: FakeHeartbeats;
  readonly #devices = new Map<string, FakeDevice>();
  readonly #profile: Profile;
  readonly #plan: FaultPlan;
  readonly #proven = new Map<string, string>();
  readonly #broken: string[] = [];
  readonly #stations: ProofStation[] = [];
  readonly #failures: Record<string, number> = {};
  #enrollments = 0;
  #crashes = 0;

  constructor(lab: ProofLab, seed: number, makeKeyPair: () => { privatePem: string; publicBase64: string }) {
    this.#lab = lab;
    this.#seed = seed;
    this.#chance = seededChance(seed);
    this.#heartbeats = new FakeHeartbeats(this.#clock);
    const { issuer, clientId: client_id, projectId: project_id, orgId: org_id } = lab.provider;
    this.#profile = buildProfile({ identity: { issuer, client_id, project_id, org_id } });
    this.#plan = faultPlan(seed, {
      rates,
      delayMs: 12,
      routes: ({ path }) => /^\/(management|auth)\/v1\/|^\/v2(beta)?\/|^\/oauth\/v2\/token$/.test(path),
    });
    const ids = Array.from({ length: 1 + this.#below(3) }, (_, index) => `s${seed}-${index}`);
    for (const id of ids) this.#devices.set(id, this.#makeDevice(id, makeKeyPair));
    lab.provider.control.setSearchLag(this.#below(9));
  }

  async run(): Promise<StormReport> {
    const before = this.#keyCounts();
    this.#lab.serve({
      clock: this.#clock,
      faults: { before: () => undefined },
      onRequest: (request) => this.#observe(request),
    });
    await this.#history();
    this.#lab.serve({
      clock: this.#clock,
      faults: this.#plan,
      onRequest: (request) => this.#observe(request),
    });
    const journals = Array.from({ length: 2 + this.#below(2) }, () => new MemoryJournal());
    const duties = journals.map(() => [...this.#devices.keys()].filter(() => this.#chance() < 0.8));
    // No id without two stations that want it.
    for (const list of duties.slice(0, 2)) list.splice(0, list.length, ...this.#devices.keys());
    this.#loseConnections();
    await Promise.all(journals.map((journal, index) => this.#weather(index, journal, duties[index] ?? [])));
    this.#plan.calm();
    for (const device of this.#devices.values()) {
      this.#lost += device.faults.filter((fault) => fault.exchange <= device.exchanges).length;
      device.faults.length = 0;
    }
    await this.#lab.provider.control.keysReady();
    await this.#recover(journals, duties);
    await this.#clock.sleep(2_000, AbortSignal.timeout(10_000));
    this.#judge();
    const after = this.#keyCounts();
    return {
      ...{ seed: this.#seed, faults: this.#plan.counts, crashes: this.#crashes, broken: this.#broken },
      ...{ enrollments: this.#enrollments, failures: this.#failures },
      lostConnections: this.#lost,
      keysMade: after.made - before.made,
      keysDeleted: after.deleted - before.deleted,
    };
  }

  end(): void {
    this.#clock.end();
    for (const station of this.#stations) station.close();
  }

  #below(limit: number): number {
    return Math.floor(this.#chance() * limit);
  }

  #makeDevice(id: string, makeKeyPair: () => { privatePem: string; publicBase64: string }): FakeDevice {
    const files = new Map<string, MachineKeyFile>();
    const device: FakeDevice = new FakeDevice({
      ...{ deviceId: id, clock: this.#clock, makeKeyPair },
      beat: (name, keyId) => {
        const text = device.files.get(keyPath)?.content;
        if (text !== undefined) {
          const file = JSON.parse(text) as MachineKeyFile;
          files.set(file.keyId, file);
        }
        const file = files.get(keyId);
        if (file === undefined) return;
        // A real agent with the real private key: only who logs in is heard.
        logInWithKey(this.#lab.provider.issuer, file, this.#clock.nowMs()).then(
          (token) => {
            if (token === undefined) return;
            this.#proven.set(id, keyId);
            this.#heartbeats.beat(name, keyId);
          },
          () => undefined,
        );
      },
    });
    device.machineId = sha256(id).slice(0, 32);
    device.hostKey = `SHA256:${id}`;
    device.canMakeKeys = this.#chance() < 0.85;
    device.rebootMs = 20_000;
    return device;
  }

  /** Some boards come with a past: they were enrolled before, and lost their card, or had another id. */
  async #history(): Promise<void> {
    for (const [address, device] of this.#devices) {
      const past = this.#chance();
      if (past > 0.35) continue;
      const station = this.#station('before', new Life(), new MemoryJournal());
      if (past < 0.15) {
        const old = `${address}-old`;
        device.deviceId = old;
        this.#devices.set(old, device);
        await this.#enrollFirst(station, old);
        this.#devices.delete(old);
        device.deviceId = address;
      } else {
        await this.#enrollFirst(station, address);
        if (past < 0.25) device.files.delete(keyPath);
      }
      this.#proven.delete(address);
    }
  }

  async #enrollFirst(station: ProofStation, id: string): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round += 1) if ((await station.enroll(id)) === undefined) return;
    throw new Error(`${id} cannot be enrolled in good weather.`);
  }

  #station(name: string, life: Life, journal: MemoryJournal): ProofStation {
    const station = new ProofStation({
      ...{ name, life, journal, lab: this.#lab, clock: this.#clock, profile: this.#profile },
      ...{ devices: this.#devices, heartbeats: this.#heartbeats, fraction: this.#chance },
    });
    this.#stations.push(station);
    return station;
  }

  #lost = 0;

  #loseConnections(): void {
    for (const device of this.#devices.values())
      for (let exchange = device.exchanges + 1; exchange < device.exchanges + 40; exchange += 1) {
        if (this.#chance() > 0.12) continue;
        const at = this.#below(12);
        const when = at > 8 ? 'after' : at === 0 ? 'before' : at;
        device.faults.push({ exchange, when, kind: this.#chance() < 0.1 ? 'reboots' : 'lost' });
      }
  }

  /** A station in the storm: tries its ids, may die on the way and start again, and may die again. */
  async #weather(index: number, journal: MemoryJournal, duty: readonly string[]): Promise<void> {
    for (let lives = 0; lives < 3; lives += 1) {
      const dies = this.#chance() < 0.45;
      const life = new Life(dies ? 1 + this.#below(45 * duty.length) : undefined, this.#chance() < 0.5);
      const station = this.#station(`station-${index}`, life, journal);
      const work = this.#shift(station, duty);
      await Promise.race([work, life.died]);
      if (life.alive) return;
      this.#crashes += 1;
    }
  }

  async #shift(station: ProofStation, duty: readonly string[]): Promise<void> {
    await station.recover();
    await Promise.all(
      duty.map(async (id) => {
        for (let attempt = 0; attempt < 2; attempt += 1)
          if ((await this.#enroll(station, id)) === undefined) return;
      }),
    );
  }

  async #enroll(station: ProofStation, id: string): Promise<string | undefined> {
    this.#enrollments += 1;
    const error = await station.enroll(id);
    if (error === undefined) return undefined;
    this.#failures[error.code] = (this.#failures[error.code] ?? 0) + 1;
    if (error.code === 'STATION_BUG')
      this.#broken.push(`a station met a bug of its own: ${error.evidence} ${String(error.cause)}`);
    return error.code;
  }

  async #recover(journals: readonly MemoryJournal[], duties: readonly (readonly string[])[]): Promise<void> {
    const stations = journals.map((journal, index) => this.#station(`station-${index}`, new Life(), journal));
    for (const [index, station] of stations.entries()) {
      for (const id of duties[index] ?? []) {
        let last: string | undefined = 'never tried';
        for (let round = 0; round < MOST_ROUNDS && last !== undefined; round += 1) {
          await station.recover();
          last = await this.#enroll(station, id);
        }
        if (last !== undefined) this.#broken.push(`${id} cannot be enrolled after the storm: ${last}`);
      }
    }
    // What was not found is believed not to be there after a minute; a station that rests looks once a minute.
    for (const station of stations) {
      for (let minute = 0; minute < 3 && station.unsettled.length > 0; minute += 1) {
        await this.#clock.sleep(61_000, AbortSignal.timeout(10_000));
        await station.recover();
      }
      if (station.unsettled.length > 0)
        this.#broken.push(`${station.options.name} never settles: ${station.unsettled.join(', ')}`);
    }
  }

  /** A key that a device holds must not be deleted: at no instant, whoever is behind it. */
  #observe({ method, path }: FaultRequest): void {
    const keyId = method === 'DELETE' ? /\/keys\/(\d+)$/.exec(path)?.[1] : undefined;
    if (keyId === undefined) return;
    for (const [id, device] of this.#devices) {
      if (device.keyId !== keyId) continue;
      const proven = this.#proven.get(id) === keyId ? 'which it had proven' : 'which it had not proven yet';
      this.#broken.push(`the key ${id} holds, ${proven}, is deleted`);
    }
  }

  #judge(): void {
    const { users, grants, keys } = this.#lab.provider.inspect();
    const held = new Map([...this.#devices].map(([id, device]) => [id, device.keyId]));
    for (const [id, keyId] of held) {
      const accounts = users.filter((user) => user.live && user.userName === `device-${id}`);
      if (accounts.length !== 1) this.#broken.push(`${id} has ${accounts.length} machine users`);
      const [user] = accounts;
      if (user === undefined) continue;
      const granted = grants.filter((grant) => grant.live && grant.userId === user.id);
      if (granted.length !== 1 || granted[0]?.roleKeys.join() !== 'device')
        this.#broken.push(`${id} has ${granted.length} grants`);
      const live = keys.filter((key) => key.live && key.userId === user.id).map((key) => key.id);
      if (live.length !== 1 || live[0] !== keyId)
        this.#broken.push(`${id} holds ${keyId ?? 'no key'}, and live are ${live.join(', ') || 'none'}`);
      if (this.#proven.get(id) !== keyId)
        this.#broken.push(`${id} holds ${keyId}, and does not log in with it`);
    }
    const own = new Set(
      users.filter((user) => user.userName.startsWith(`device-s${this.#seed}-`)).map((user) => user.id),
    );
    const heldIds = new Set(held.values());
    for (const key of keys)
      if (key.live && own.has(key.userId) && !heldIds.has(key.id))
        this.#broken.push(`key ${key.id} of user ${key.userId} is live, and no device holds it`);
  }

  #keyCounts(): { readonly made: number; readonly deleted: number } {
    const { mutations } = this.#lab.provider.inspect();
    return {
      made: (mutations['key.minted'] ?? 0) + (mutations['key.registered'] ?? 0),
      deleted: mutations['key.deleted'] ?? 0,
    };
  }
}
