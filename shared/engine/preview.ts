import { receiveBinary, receiveMachineKey } from '../device/commands.ts';
import { signWithBornKey } from '../device/key-birth.ts';
import { machineUserName } from '../model/device-id.ts';
import { type StepId, stepTitles } from '../model/enrollment.ts';
import type { Heartbeat } from '../model/station-state.ts';
import { formatAddress, formatTarget } from '../model/target.ts';
import { type PlannedStep, planEnrollment } from '../plan/plan-enrollment.ts';
import { requireClock, requireSupported } from '../plan/preconditions.ts';
import { groupIntoTrips } from '../plan/trips.ts';
import type { Action } from '../steps/define-step.ts';
import { AskedPins } from './asked-pins.ts';
import { type BoardContext, idOfOtherBoard, onRecordText, otherOnRecord } from './board-on-record.ts';
import { Boards } from './boards.ts';
import { desiredState, keyIdsToRenew, liveKeyIds } from './desired-state.ts';
import { DeviceLog } from './device-log.ts';
import type { EnrollmentInput } from './enrollment-context.ts';
import { EnrollmentRecord } from './enrollment-record.ts';
import { boardText, mayBeAlive } from './id-in-use.ts';
import { keyRealmOf } from './key-realm.ts';
import { type Look, lookAtDevice } from './look-at-device.ts';
import { orphansOf } from './machine-keys.ts';
import type {
  AgentBinary,
  HostKeyPins,
  Journal,
  KeyIntent,
  KeyRealm,
  MachineKeyEntry,
  StationPorts,
} from './ports.ts';
import { checkStep, connectStep } from './reach-device.ts';
import { requireReady } from './require-ready.ts';

/** One thing an enrollment would do. `shows` is what its log would say. */
export type PreviewAction =
  /** At the identity provider. */
  | { readonly kind: 'identity'; readonly shows: string }
  /** On the device. `script` is exactly what runs; undefined where it depends on the key. */
  | { readonly kind: 'command'; readonly shows: string; readonly script: string | undefined }
  | {
      readonly kind: 'upload';
      readonly shows: string;
      readonly file: string;
      readonly sizeBytes: number;
      readonly sha256: string;
    }
  | { readonly kind: 'mint-key'; readonly shows: string }
  | { readonly kind: 'delete-key'; readonly shows: string; readonly keyId: string }
  | { readonly kind: 'wait-for-heartbeat'; readonly shows: string };

export interface PreviewStep {
  readonly id: StepId;
  readonly title: string;
  readonly state: 'already' | 'skipped' | 'pending';
  readonly why: string | undefined;
  readonly actions: readonly PreviewAction[];
}

/** What an enrollment would do with one device, found out without changing anything. */
export interface EnrollmentPreview {
  readonly deviceId: string;
  readonly target: string;
  readonly system: string;
  readonly architecture: string;
  readonly hostKeyFingerprint: string | undefined;
  /** False at first contact: an enrollment would pin this key. */
  readonly hostKeyIsPinned: boolean;
  /** The board on record the id would be taken over from. */
  readonly takesOver: string | undefined;
  /** Another board that may be alive with the id: an enrollment would listen for it. */
  readonly mayBeAlive: string | undefined;
  readonly steps: readonly PreviewStep[];
  /** Exchanges with the device, the looks not counted. */
  readonly trips: number;
  /** Whether anything would be changed, on the device or at the identity provider. */
  readonly changes: boolean;
}

export type PreviewInput = Omit<EnrollmentInput, 'fleet' | 'boards' | 'record' | 'holder' | 'setClock'> & {
  /** The newest heartbeat under this id, where it was looked for. */
  readonly heard?: Heartbeat | undefined;
};

/** A preview changes no device, so nobody's script is ever behind its fence. */
const NOBODY = { id: 'preview', station: 'a preview' };

/** Stands for a machine user that is not there yet: no key on a device can belong to it. */
const NO_USER = 'not made yet';

/**
 * Looks at a device and at the identity provider and says what an enrollment would do now. It uses the enrollment's own
 * parts up to the plan, and nothing that writes: no host key is pinned, no user made, no key minted or deleted.
 * @throws {EnrollmentError} what would stop the enrollment, or the signal's reason
 */
export async function previewEnrollment(input: PreviewInput): Promise<EnrollmentPreview> {
  const pins = new AskedPins(input.ports.journal);
  const looking: EnrollmentInput = {
    ...input,
    ports: { ...input.ports, journal: withoutWrites(input.ports.journal, pins) },
    ...{
      fleet: undefined,
      boards: new Boards(),
      record: unseenRecord(input),
      holder: NOBODY,
      setClock: false,
    },
  };
  const { target, record, ports, signal } = looking;
  const binaries = await checkStep(looking);
  const session = await connectStep(looking);
  try {
    const { clock, random } = ports;
    const look = await lookAtDevice({
      session,
      clock,
      random,
      record,
      signal,
      sudoPassword: input.sudoPassword,
    });
    const architecture = requireSupported(look.facts);
    requireClock(look.facts);
    const binary = await binaries(architecture);
    requireReady(looking, look.facts, binary);
    const takesOver = boardTakenFrom({ ...looking, session, look }, input.takeOver === true);
    const other = mayBeAlive({ ...looking, look }, input.heard);
    const identity = await lookAtIdentity(looking, look);
    const desired = desiredState(looking, {
      ...{ binary, userId: identity.userId, keyIdsBefore: [] },
      // The card of the other board may have come with this one, and its key with it.
      liveKeyIds: takesOver === undefined ? identity.liveKeyIds : [],
      watchesHeartbeats: input.profile.nats !== undefined,
    });
    const plan = planEnrollment(look.facts, desired);
    const mints = plan.some(
      (step) => step.kind === 'pending' && step.actions.some((a) => a.kind === 'mint-key'),
    );
    // Where no heartbeat can tell, a key has proven to work once it has logged in.
    const provingStep: StepId = input.profile.nats === undefined ? 'key-config' : 'heartbeat';
    const steps = [
      identityStep(identity.actions),
      ...plan.map((step) => plannedStep(step, looking, binary)),
    ].map((step) =>
      step.id === provingStep && step.state === 'pending'
        ? { ...step, actions: [...step.actions, ...identity.retired(mints).map(deleteRetired)] }
        : step,
    );
    return {
      ...{ deviceId: input.deviceId, target: formatTarget(target) },
      ...{ system: look.facts.osName, architecture, hostKeyFingerprint: session.hostKeyFingerprint },
      ...{ hostKeyIsPinned: target.kind === 'local' || pins.targetIsPinned, takesOver, steps },
      mayBeAlive: other === undefined ? undefined : boardText(other),
      trips: groupIntoTrips(plan).filter(
        (trip) => trip.kind !== 'mint-key' && trip.kind !== 'wait-for-heartbeat',
      ).length,
      changes:
        takesOver !== undefined ||
        steps.some((step) => step.actions.some((action) => action.kind !== 'wait-for-heartbeat')),
    };
  } finally {
    session.close();
  }
}

/** A journal that can be asked; what is written to it is forgotten. */
function withoutWrites(journal: Journal, pins: HostKeyPins): Journal {
  const forget = (): void => undefined;
  return {
    openKeyIntent: forget,
    settleKeyIntent: forget,
    unsettledKeyIntents: (realm) => journal.unsettledKeyIntents(realm),
    recordRun: forget,
    latestRuns: () => journal.latestRuns(),
    giveId: forget,
    boardOf: (realm, deviceId) => journal.boardOf(realm, deviceId),
    idsOfSerial: (realm, serial) => journal.idsOfSerial(realm, serial),
    releaseId: forget,
    hostKey: pins.hostKey,
    pinHostKey: pins.pinHostKey,
    close: forget,
  };
}

/**
 * The board on record the operator would take the id from.
 * @throws DEVICE_ID_OF_OTHER_BOARD unless the operator takes the id over
 */
function boardTakenFrom(context: BoardContext, takesOver: boolean): string | undefined {
  const other = otherOnRecord(context);
  if (other === undefined) return undefined;
  if (!takesOver) throw idOfOtherBoard(context, other);
  return onRecordText(other);
}

function unseenRecord({ ports, deviceId, target }: PreviewInput): EnrollmentRecord {
  return new EnrollmentRecord(
    { clock: ports.clock, log: new DeviceLog(ports.clock, () => undefined), publish: () => undefined },
    { deviceId, position: 1, target: formatTarget(target), address: formatAddress(target) },
  );
}

interface FoundIdentity {
  readonly userId: string;
  readonly liveKeyIds: readonly string[];
  readonly actions: readonly PreviewAction[];
  /** Keys that go once the device's own has proven to work. */
  retired(mints: boolean): readonly string[];
}

/** The identity step, with every call that would make something left out and said instead. */
async function lookAtIdentity(input: EnrollmentInput, look: Look): Promise<FoundIdentity> {
  const { ports, identity, profile, deviceId, signal } = input;
  await identity.requireProject(signal);
  const user = await identity.findMachineUser(deviceId, signal);
  const keys = user === undefined ? [] : await identity.listKeys(user.userId, signal);
  const held = look.facts.key?.keyId;
  const open = openIntents(ports, keyRealmOf(profile), deviceId);
  const orphans = open
    .filter((intent) => held === undefined || intent.keyId !== held)
    .flatMap((intent) => orphansOf(intent, keys, held));
  const nowMs = ports.clock.nowMs();
  const renewed = keyIdsToRenew(keys, profile, nowMs);
  const left = keys.map((key) => key.keyId).filter((keyId) => !orphans.includes(keyId));
  const live = liveKeyIds(keys, nowMs).filter((keyId) => !orphans.includes(keyId));
  const replaced = open
    .filter((intent) => held !== undefined && intent.keyId === held)
    .flatMap((intent) => intent.keyIdsBefore);
  return {
    userId: user?.userId ?? NO_USER,
    liveKeyIds: live.filter((keyId) => !renewed.includes(keyId)),
    actions: [
      ...(user === undefined ? [act(`create machine user ${machineUserName(deviceId)}`)] : []),
      ...(user?.hasJwtTokens === false ? [act(`set ${machineUserName(deviceId)} to JWT access tokens`)] : []),
      ...(user?.hasGrant === true ? [] : [act(`grant the role ${profile.identity.device_role}`)]),
      ...orphans.map((keyId) => deleteKey(keyId, 'it never reached the device')),
    ],
    retired: (mints) => [
      ...left.filter((keyId) => mints || (replaced.includes(keyId) && keyId !== held)),
      // The board was enrolled under another id before. Without heartbeats nobody knows who else signs in with that key.
      ...(mints && profile.nats !== undefined && held !== undefined && look.facts.key?.userId !== user?.userId
        ? [held]
        : []),
    ],
  };
}

function openIntents({ journal }: StationPorts, realm: KeyRealm, deviceId: string): readonly KeyIntent[] {
  return journal.unsettledKeyIntents(realm).filter((intent) => intent.deviceId === deviceId);
}

function act(shows: string): PreviewAction {
  return { kind: 'identity', shows };
}

function deleteKey(keyId: MachineKeyEntry['keyId'], why: string): PreviewAction {
  return { kind: 'delete-key', shows: `delete machine key ${keyId}: ${why}`, keyId };
}

function deleteRetired(keyId: string): PreviewAction {
  return deleteKey(keyId, 'the key of the device has proven to work');
}

function identityStep(actions: readonly PreviewAction[]): PreviewStep {
  const isPending = actions.length > 0;
  return {
    ...{ id: 'identity', title: stepTitles.identity, actions },
    state: isPending ? 'pending' : 'already',
    why: isPending ? undefined : 'machine user and grant are there',
  };
}

function plannedStep(step: PlannedStep, input: EnrollmentInput, binary: AgentBinary): PreviewStep {
  const named = { id: step.id, title: stepTitles[step.id] };
  if (step.kind === 'pending') {
    const actions = step.actions.map((action) => viewAction(action, input, binary));
    return { ...named, state: 'pending', why: undefined, actions };
  }
  const why = step.kind === 'skipped' ? step.why : 'already right';
  return { ...named, state: step.kind, why, actions: [] };
}

function viewAction(action: Action, input: EnrollmentInput, binary: AgentBinary): PreviewAction {
  switch (action.kind) {
    case 'run':
      return { kind: 'command', shows: action.fragment.shows, script: action.fragment.script };
    case 'upload': {
      const { path: file, sizeBytes, sha256 } = binary;
      return { kind: 'upload', shows: receiveBinary(sha256).title, file, sizeBytes, sha256 };
    }
    case 'make-key':
      return {
        kind: 'command',
        shows: action.fragments.map(({ shows }) => shows).join('; '),
        script: action.fragments.map(({ script }) => script).join('\n'),
      };
    case 'prove-key':
      return { kind: 'command', shows: signWithBornKey('', '').shows, script: undefined };
    case 'mint-key':
      return { kind: 'mint-key', shows: `mint a machine key for ${machineUserName(input.deviceId)}` };
    case 'deliver-key':
      return { kind: 'command', shows: receiveMachineKey(0, '').shows, script: undefined };
    case 'wait-for-heartbeat':
      return { kind: 'wait-for-heartbeat', shows: `wait for a heartbeat of ${input.deviceId}` };
  }
}
