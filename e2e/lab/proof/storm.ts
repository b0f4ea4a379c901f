import type { Rotation } from '#shared/engine/enrollment-context.ts';
import type { EnrollmentError } from '#shared/errors/enrollment-error.ts';
import type { Profile } from '#shared/model/profile.ts';
import { buildProfile } from '#shared/testing/builders.ts';
import { MemoryJournal } from '#shared/testing/memory-journal.ts';
import { type FaultPlan, type FaultRates, faultPlan } from '../identity/fault-plan.ts';
import type { Faults } from '../identity/faults.ts';
import { makeHistory } from './history.ts';
import { judge } from './judgement.ts';
import { Life } from './mortal.ts';
import type { KeyPairs, ProofLab } from './proof-lab.ts';
import { ProofStation } from './proof-station.ts';
import { type Story, World } from './world.ts';

const MOST_ROUNDS = 8;
/** Longer than any wait of the engine for one thing; a world that is not over by then never ends. */
const WORLD_LIMIT_MS = 72 * 3_600_000;
const generations = ['v1', 'v2', 'probe'] as const;

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

export type Act = 'enroll' | 'rotate' | 'take over' | 'decommission';

/** How often each thing happened. */
export type Counts = Record<string, number>;

/** What happened in one world, and what is wrong with its end. */
export interface StormReport {
  readonly seed: number;
  /** No fault, no death, no loss: only stations that meet. */
  readonly isCalm: boolean;
  readonly faults: FaultPlan['counts'];
  readonly deaths: number;
  readonly lostConnections: number;
  readonly reboots: number;
  readonly busLosses: number;
  readonly journalRefusals: number;
  /** By act: how often it was begun. */
  readonly acts: Counts;
  /** Codes of acts that failed. */
  readonly failures: Counts;
  readonly plots: Counts;
  /** Generations of the API the stations spoke. */
  readonly generations: Counts;
  /** Keys replaced because their end was near. */
  readonly renewals: number;
  readonly keysMade: number;
  readonly keysDeleted: number;
  /** Sentences; none when every promise was kept. */
  readonly broken: readonly string[];
}

/**
 * One world: two or three stations enroll, rotate, take over and decommission overlapping ids at once through a storm
 * of faults, deaths and lost connections. Then the weather clears, stations start again with their journals and work
 * until it is done.
 */
export async function storm(lab: ProofLab, seed: number, makeKeyPair: KeyPairs): Promise<StormReport> {
  const one = new Storm(lab, seed, makeKeyPair);
  try {
    return await one.run();
  } finally {
    one.end();
  }
}

class Storm {
  readonly #world: World;
  readonly #profile: Profile;
  readonly #plan: FaultPlan;
  readonly #isCalm: boolean;
  readonly #stations: ProofStation[] = [];
  readonly #spoken = new Map<string, (typeof generations)[number]>();
  readonly #acts: Counts = {};
  readonly #failures: Counts = {};
  #isStorming = false;
  #deaths = 0;
  #lost = 0;
  #reboots = 0;
  #busLosses = 0;
  #journalRefusals = 0;
  #renewals = 0;

  constructor(lab: ProofLab, seed: number, makeKeyPair: KeyPairs) {
    this.#world = new World(lab, seed, makeKeyPair);
    const { chance } = this.#world;
    this.#isCalm = chance() < 0.15;
    const { issuer, clientId: client_id, projectId: project_id, orgId: org_id } = lab.provider;
    const key_valid_for_days = chance() < 0.5 ? 90 : undefined;
    this.#profile = buildProfile({
      identity: { issuer, client_id, project_id, org_id, key_valid_for_days },
    });
    this.#plan = faultPlan(seed, {
      rates,
      delayMs: 700,
      routes: ({ path }) => /^\/(management|auth)\/v1\/|^\/v2\/|^\/zitadel\.|^\/oauth\/v2\/token$/.test(path),
    });
    // Projections lag by milliseconds to seconds, each by its own time.
    const lag = (): number => this.#world.below(chance() < 0.2 ? 2_000 : 300);
    lab.provider.control.setSearchLag({ users: lag(), keys: lag(), grants: lag() });
  }

  async run(): Promise<StormReport> {
    const { clock, lab } = this.#world;
    const before = keyCounts(lab);
    await clock.run(this.#live(), WORLD_LIMIT_MS);
    const after = keyCounts(lab);
    const plots: Counts = {};
    for (const { plot } of this.#world.stories) count(plots, plot);
    const spoken: Counts = {};
    for (const one of this.#spoken.values()) count(spoken, one);
    return {
      ...{
        seed: this.#world.seed,
        isCalm: this.#isCalm,
        faults: this.#plan.counts,
        broken: this.#world.broken,
      },
      ...{ deaths: this.#deaths, lostConnections: this.#lost, reboots: this.#reboots },
      ...{ busLosses: this.#busLosses, journalRefusals: this.#journalRefusals, renewals: this.#renewals },
      ...{ acts: this.#acts, failures: this.#failures, plots, generations: spoken },
      keysMade: after.made - before.made,
      keysDeleted: after.deleted - before.deleted,
    };
  }

  end(): void {
    for (const station of this.#stations) station.close();
  }

  async #live(): Promise<void> {
    const { below, chance, stories, sleep } = bound(this.#world);
    this.#serve({ before: () => undefined });
    const past = new MemoryJournal();
    await makeHistory(this.#world, this.#profile, (profile) =>
      this.#station('before', new Life(), past, profile),
    );
    if (!this.#isCalm) this.#serve(this.#plan);
    const journals = Array.from({ length: 2 + below(2) }, () => new MemoryJournal());
    // Which board was given which id before: a key of another id goes by this record alone.
    for (const journal of journals)
      for (const [place, board] of past.boards) journal.boards.set(place, board);
    const duties = journals.map(() => stories.filter(() => chance() < 0.8));
    // No id without two stations that want it.
    for (const list of duties.slice(0, 2)) list.splice(0, list.length, ...stories);
    this.#isStorming = true;
    if (!this.#isCalm) this.#loseConnections();
    const nature = this.#isCalm ? Promise.resolve() : this.#nature(journals);
    await Promise.all(journals.map((journal, index) => this.#weather(index, journal, duties[index] ?? [])));
    this.#isStorming = false;
    await nature;
    this.#clear();
    await this.#recover(journals, duties);
    await sleep(2_000);
    this.#world.broken.push(...judge(this.#world));
  }

  #serve(faults: Faults): void {
    const { clock, wire, lab } = this.#world;
    lab.serve({ clock, wire, faults, onRequest: (request) => this.#world.observe(request) });
  }

  #station(name: string, life: Life, journal: MemoryJournal, profile = this.#profile): ProofStation {
    const { lab, clock, wire, devices, heartbeats, chance } = this.#world;
    // A station speaks what its provider has, and all its lives see the same one.
    const api = this.#spoken.get(name) ?? generations[this.#world.below(3)] ?? 'probe';
    this.#spoken.set(name, api);
    const station = new ProofStation({
      ...{ name, life, journal, profile, clock, wire, devices, heartbeats, api },
      ...{ tokens: lab.tokens(clock), fraction: chance },
    });
    this.#stations.push(station);
    return station;
  }

  #loseConnections(): void {
    const { below, chance, devices } = bound(this.#world);
    for (const device of devices.values())
      for (let exchange = device.exchanges + 1; exchange < device.exchanges + 60; exchange += 1) {
        if (chance() > 0.12) continue;
        const at = below(12);
        const when = at > 8 ? 'after' : at === 0 ? 'before' : at;
        device.faults.push({ exchange, when, kind: chance() < 0.1 ? 'reboots' : 'lost' });
      }
  }

  /** The bus goes away for a while, and a disk is full for a moment. */
  async #nature(journals: readonly MemoryJournal[]): Promise<void> {
    const { below, chance, heartbeats, sleep } = bound(this.#world);
    while (this.#isStorming) {
      await sleep(2_000 + below(30_000));
      if (!this.#isStorming) return;
      const journal = journals[below(journals.length)];
      const draw = chance();
      if (draw < 0.3) {
        this.#busLosses += 1;
        heartbeats.setLink({ state: 'lost', code: 'NATS_UNREACHABLE', evidence: 'drawn' });
        await sleep(below(25_000));
        heartbeats.setLink({ state: 'live' });
      } else if (draw < 0.55 && journal !== undefined) {
        this.#journalRefusals += 1;
        journal.refusesWrites = true;
        await sleep(below(2_000));
        journal.refusesWrites = false;
      }
    }
  }

  #clear(): void {
    this.#plan.calm();
    for (const device of this.#world.devices.values()) {
      const met = device.faults.filter((fault) => fault.exchange <= device.exchanges);
      this.#reboots += met.filter((fault) => fault.kind === 'reboots').length;
      this.#lost += met.length;
      device.faults.length = 0;
    }
  }

  /** A station in the storm: goes through its duties, may die on the way and start again, and may die again. */
  async #weather(index: number, journal: MemoryJournal, duty: readonly Story[]): Promise<void> {
    const { below, chance } = bound(this.#world);
    for (let lives = 0; lives < 3; lives += 1) {
      const dies = !this.#isCalm && chance() < 0.45;
      const life = new Life(dies ? 1 + below(60 * duty.length) : undefined, chance() < 0.5);
      const station = this.#station(`station-${index}`, life, journal);
      await Promise.race([this.#shift(station, duty), life.died]);
      if (life.alive) return;
      this.#deaths += 1;
    }
  }

  async #shift(station: ProofStation, duty: readonly Story[]): Promise<void> {
    await station.recover();
    await Promise.all(duty.map((story) => this.#work(station, story)));
  }

  /** What one station does with one id: a few acts one after the other, each tried twice. */
  async #work(station: ProofStation, story: Story): Promise<void> {
    const { below, broken, sleep } = bound(this.#world);
    const most = story.plot === 'enrolled' ? 1 : 3;
    for (let left = 1 + below(most); left > 0; left -= 1) {
      const act = this.#draw(story);
      const rotation: Rotation = { replacedKeyIds: undefined };
      let last: string | undefined = 'never tried';
      for (let attempt = 0; attempt < 2 && last !== undefined; attempt += 1)
        last = await this.#perform(station, story, act, rotation);
      // Several stations that replace the same key may overtake each other again; nothing else is a reason to fail.
      const isOvertaken = last === 'DEVICE_ENROLLED_ELSEWHERE';
      if (last !== undefined && !isOvertaken && this.#isCalm && story.plot === 'enrolled')
        broken.push(`${station.options.name} cannot enroll ${story.id} in good weather: ${last}`);
      await sleep(below(20_000));
    }
  }

  #draw({ plot }: Story): Act {
    const draw = this.#world.chance();
    switch (plot) {
      case 'enrolled':
        return 'enroll';
      case 'rotated':
        return draw < 0.3 ? 'enroll' : 'rotate';
      case 'taken over':
        return draw < 0.7 ? 'take over' : draw < 0.85 ? 'rotate' : 'enroll';
      case 'decommissioned':
        return draw < 0.4 ? 'enroll' : draw < 0.55 ? 'rotate' : 'decommission';
    }
  }

  async #perform(
    station: ProofStation,
    story: Story,
    act: Act,
    rotation: Rotation = { replacedKeyIds: undefined },
  ): Promise<string | undefined> {
    count(this.#acts, act);
    const error = await this.#begin(station, story, act, rotation);
    if (error === undefined) return undefined;
    count(this.#failures, error.code);
    if (error.code === 'STATION_BUG')
      this.#world.broken.push(`a station met a bug of its own: ${error.evidence} ${String(error.cause)}`);
    return error.code;
  }

  #begin(
    station: ProofStation,
    story: Story,
    act: Act,
    rotation: Rotation,
  ): Promise<EnrollmentError | undefined> {
    const { id, board } = story;
    const { address } = board;
    if (act === 'decommission') {
      story.isDecommissioned = true;
      return station.decommission(id, { address });
    }
    return station.enroll(id, {
      address,
      takeOver: act === 'take over',
      ...(act === 'rotate' ? { rotation } : {}),
      onLine: (text) => {
        if (/^key \d+ ends on .* and is renewed$/.test(text)) this.#renewals += 1;
      },
    });
  }

  async #recover(journals: readonly MemoryJournal[], duties: readonly (readonly Story[])[]): Promise<void> {
    const { broken, sleep } = bound(this.#world);
    const stations = journals.map((journal, index) => this.#station(`station-${index}`, new Life(), journal));
    for (const [index, station] of stations.entries()) {
      for (const story of duties[index] ?? []) {
        let last: string | undefined = 'never tried';
        for (let round = 0; round < MOST_ROUNDS && last !== undefined; round += 1) {
          // A device that starts anew is away for a while.
          if (round > 0) await sleep(5_000);
          await station.recover();
          last = await this.#perform(station, story, lastAct(story));
        }
        if (last !== undefined) broken.push(`${story.id} cannot be ${story.end} after the storm: ${last}`);
      }
    }
    // What was not found is believed not to be there after a minute; a station that rests looks once a minute.
    for (const station of stations) {
      for (let minute = 0; minute < 3 && station.unsettled.length > 0; minute += 1) {
        await sleep(61_000);
        await station.recover();
      }
      if (station.unsettled.length > 0)
        broken.push(`${station.options.name} never settles: ${station.unsettled.join(', ')}`);
    }
  }
}

/** What brings an id to its end. */
function lastAct({ end, plot }: Story): Act {
  if (end === 'gone') return 'decommission';
  return plot === 'taken over' ? 'take over' : 'enroll';
}

function bound(world: World) {
  const { broken, devices, heartbeats, stories } = world;
  return {
    ...{ broken, devices, heartbeats, stories },
    chance: world.chance,
    below: (limit: number) => world.below(limit),
    sleep: (ms: number) => world.sleep(ms),
  };
}

function count(counts: Counts, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

function keyCounts(lab: ProofLab): { readonly made: number; readonly deleted: number } {
  const { mutations } = lab.provider.inspect();
  return {
    made: (mutations['key.minted'] ?? 0) + (mutations['key.registered'] ?? 0),
    deleted: mutations['key.deleted'] ?? 0,
  };
}
