import type { EnrollmentErrorCode } from '#shared/model/error-codes.ts';
import type { BenchDevice, Heartbeat, LogLine, StationState } from '#shared/model/station-state.ts';
import { batch, deviceName, mixedRows, now } from './batch.ts';
import { errorOf } from './errors.ts';

const HOUR = 3_600_000;

export const signedIn: Extract<StationState['session'], { state: 'signed-in' }> = {
  state: 'signed-in',
  account: 'Operator 14',
  organisation: 'Plant East',
  expiresAt: now + 6 * HOUR + 41 * 60_000 + 20_000,
  renewable: true,
  remembered: 'keychain',
  rememberedNote: 'Secret Service, GNOME Keyring',
};

/** By an access token that was pasted, and is not remembered. */
export const byToken: Extract<StationState['session'], { state: 'signed-in' }> = {
  ...{ state: 'signed-in', account: 'muster-admin', organisation: 'Plant East' },
  ...{ renewable: false, handedIn: true, remembered: 'memory' },
  rememberedNote: 'The access token was pasted without asking to remember it.',
};

export const awaiting: Extract<StationState['session'], { state: 'awaiting-approval' }> = {
  state: 'awaiting-approval',
  userCode: 'WDJB-MJHT',
  verificationUri: 'https://sso.plant-east.example:8443/device',
  verificationUriComplete: 'https://sso.plant-east.example:8443/device?user_code=WDJB-MJHT',
  requestedAt: now - 83_000,
  expiresAt: now + 217_000,
  intervalSeconds: 5,
  browserOpened: true,
};

const ok = { state: 'ok', word: 'ok' } as const;

const quietProfile: StationState['profile'] & object = {
  name: 'fleet-prod',
  issuer: 'https://sso.plant-east.example:8443',
  projectId: '371639797157987125',
  natsUrls: ['nats://nats.plant-east.example:4222'],
  sshUser: 'pi',
  labels: { group: 'batch7', site: 'warehouse-east' },
  concurrency: 8,
  acceptsInvalidCerts: false,
  remembersTokens: true,
};

/** A station with a profile, everything in order, nothing on the bench. */
export const quiet: StationState = {
  revision: 1,
  station: { name: 'east-03', version: '0.1.0', reachesThisComputer: true },
  profile: quietProfile,
  lamps: { identity: ok, nats: ok, keychain: { ...ok, detail: 'Secret Service, GNOME Keyring' } },
  session: signedIn,
  bench: [],
  rows: {},
  fleet: {},
  notices: [],
};

function device(position: number, part: Partial<BenchDevice> = {}): BenchDevice {
  const address = `10.20.4.${129 + position}`;
  return {
    rowId: `r${position}`,
    deviceId: deviceName(48 + position),
    target: `ssh://pi@${address}`,
    address,
    ...part,
  };
}

/** 28 devices: a wrong id, one without a name, two enrolled already, the rest new. */
export const benchDevices: BenchDevice[] = Array.from({ length: 28 }, (_nothing, place) => {
  if (place === 0) {
    return device(place, {
      deviceId: 'Batch7-73',
      problem: errorOf('DEVICE_ID_INVALID', {
        problem: 'Capital B at position 1. Use a-z, 0-9 and hyphen.',
      }),
      problemPosition: 1,
    });
  }
  if (place === 1) return device(place, { deviceId: '' });
  if (place === 6 || place === 17)
    return device(place, { deviceId: deviceName(place + 11), lastState: 'enrolled' });
  if (place === 9) return device(place, { lastState: 'failed' });
  return device(place);
});

export const bench: StationState = {
  ...quiet,
  bench: benchDevices,
  fleet: {
    [deviceName(17)]: heartbeat(deviceName(17), 14_000),
    [deviceName(28)]: heartbeat(deviceName(28), 14_000),
  },
};

export const signIn: StationState = {
  ...bench,
  session: awaiting,
  lamps: { ...quiet.lamps, identity: { state: 'working', word: 'signing in' } },
};

export const signedOut: StationState = {
  ...bench,
  session: { state: 'signed-out' },
  lamps: { ...quiet.lamps, identity: { state: 'waiting', word: 'signed out' } },
};

export const signInFailed: StationState = {
  ...signedOut,
  session: { state: 'signed-out', error: errorOf('IDENTITY_CLIENT_UNKNOWN', { clientId: 'fleet-station' }) },
  lamps: { ...quiet.lamps, identity: { state: 'failed', word: 'refused' } },
};

/** A second window or the command line shows the code. */
export const otherSignsIn: StationState = {
  ...signIn,
  session: { state: 'other-signs-in', since: now - 83_000 },
};

/** This station's sign-in is its own, and the operator is told why. */
export const notShared: StationState = {
  ...signIn,
  lamps: {
    ...signIn.lamps,
    keychain: { state: 'attention', word: 'no answer', detail: 'The keychain did not answer' },
  },
  session: {
    ...awaiting,
    notShared: 'Other windows and the command line sign in by themselves: the keychain did not answer.',
  },
};

/** Signed out, and why. */
export const signedOutBy = (
  code: EnrollmentErrorCode,
  details: Readonly<Record<string, string>> = {},
): StationState => ({
  ...signedOut,
  session: {
    state: 'signed-out',
    error: errorOf(code, { issuer: 'https://sso.plant-east.example:8443', ...details }),
  },
  lamps: { ...quiet.lamps, identity: { state: 'failed', word: 'failed' } },
});

export const clockSkew = signedOutBy('IDENTITY_CLOCK_SKEW', {
  ...{ offset: '7 minutes', direction: 'behind', correction: 'forward' },
  ...{ here: '13:46', there: '13:53' },
});

const leftOver = signedOutBy('IDENTITY_NOT_REVOKED', {
  account: 'Operator 14',
  problem: 'Nothing answers at https://sso.plant-east.example:8443.',
  left: 'The access token is accepted until 20:34, the refresh token until the provider ends it.',
});
export const notRevoked: StationState = {
  ...leftOver,
  lamps: { ...leftOver.lamps, identity: { state: 'attention', word: 'not revoked' } },
};

/** The profile has no access token remembered. */
export const noTokensKept: StationState = {
  ...signedOut,
  profile: { ...quietProfile, remembersTokens: false },
};

/** Signed out and revoked, but the keychain did not let go of it. */
export const notForgotten: StationState = {
  ...signedOutBy('STATION_SIGN_IN_NOT_FORGOTTEN', {
    account: 'Operator 14',
    place: 'System keychain',
    problem: 'The keychain did not answer within 5 s.',
    worth: 'It was revoked at the provider, so it opens nothing any more.',
    byHand:
      "Delete the entry of Muster for https://sso.plant-east.example:8443|371639797157987125@fleet in the system keychain (Passwords and Keys), or by: secret-tool clear service Muster username 'https://sso.plant-east.example:8443|371639797157987125@fleet'",
  }),
  lamps: {
    ...signedOut.lamps,
    keychain: { state: 'attention', word: 'not available', detail: 'The keychain did not answer.' },
  },
};

/** A first start: no profile anywhere. */
export const noProfile: StationState = (() => {
  const { profile: _none, ...rest } = quiet;
  const lamp = { state: 'waiting', word: 'no profile' } as const;
  return {
    ...rest,
    lamps: { identity: lamp, nats: lamp, keychain: lamp },
    session: { state: 'signed-out' },
  };
})();

/** The profile that was open last is gone. */
export const profileGone: StationState = {
  ...noProfile,
  session: {
    state: 'signed-out',
    error: errorOf('STATION_PROFILE_UNREADABLE', { path: '/mnt/plant/east/profile.toml' }),
  },
};

export const board: StationState = {
  ...bench,
  batch,
  rows: mixedRows(),
};

export const emptyBoard: StationState = quiet;

export function heartbeat(deviceId: string, ageMs: number, part: Partial<Heartbeat> = {}): Heartbeat {
  return {
    deviceId,
    receivedAt: now - ageMs,
    revision: 7,
    agentVersion: '2.4.1',
    startedAt: now - 5 * HOUR,
    hostname: deviceId,
    os: 'Debian 13.1 (trixie)',
    architecture: 'aarch64',
    addresses: ['10.20.4.62', 'fe80::ba27:ebff:fe12:3456'],
    labels: { group: 'batch7', line: '1' },
    uptimeSeconds: 91_000,
    load1: 0.31,
    memoryFreeBytes: 212_000_000,
    keyId: '371640022158114837',
    ...part,
  };
}

/** A fleet of which most devices are alive. */
export function fleetOf(total: number): Record<string, Heartbeat> {
  const beats = Array.from({ length: total }, (_nothing, place) => {
    const id = `batch${(place % 7) + 1}-${String(place).padStart(3, '0')}`;
    const ageMs =
      place < 6
        ? ([8_048_000, 8_051_000, 34_890_000, 75_912_000, 76 * HOUR, 266 * HOUR][place] ?? 0)
        : place < 11
          ? 35_000 + place * 6000
          : 1000 + (place % 27) * 1000;
    return heartbeat(id, ageMs, {
      agentVersion: place % 13 === 3 ? '2.3.7' : '2.4.1',
      addresses: [`10.20.${4 + Math.floor(place / 250)}.${place % 250}`],
      labels:
        place % 3 === 0
          ? { line: String((place % 3) + 1), tier: 'spare' }
          : { line: String((place % 3) + 1) },
    });
  });
  return Object.fromEntries(beats.map((beat) => [beat.deviceId, beat]));
}

export const fleet: StationState = { ...board, fleet: fleetOf(2961) };

export const insecure: StationState = {
  ...bench,
  ...(quiet.profile === undefined ? {} : { profile: { ...quiet.profile, acceptsInvalidCerts: true } }),
  lamps: {
    ...quiet.lamps,
    nats: { state: 'failed', word: 'no answer', detail: 'Nothing answers at nats.plant-east.example:4222' },
    keychain: { state: 'attention', word: 'none', detail: 'No keychain service runs on this computer' },
  },
  notices: [
    { id: 'n1', tone: 'attention', at: now, text: 'The engine restarted at 13:52. 8 devices were resumed.' },
  ],
};

/** The log of a device without a heartbeat. */
export const log: LogLine[] = [
  { offsetMs: 117_400, kind: 'step', stepId: 'binary', text: 'Binary' },
  { offsetMs: 117_500, kind: 'command', text: 'sha256sum /usr/local/bin/fleet-agent' },
  { offsetMs: 117_600, kind: 'output', text: 'No such file, upload needed: 18.6 MB, 7.1 MB compressed' },
  { offsetMs: 151_800, kind: 'command', text: 'zstd -d | install -m 0755 /dev/stdin fleet-agent.new' },
  { offsetMs: 154_600, kind: 'exit-ok', text: 'sha256 4be0…c913 matches, renamed into place' },
  { offsetMs: 158_600, kind: 'step', stepId: 'key-config', text: 'Key + config' },
  { offsetMs: 158_700, kind: 'command', text: 'install -d -m 0750 -g fleet-agent /etc/fleet-agent' },
  { offsetMs: 159_100, kind: 'command', text: "sh -c 'umask 027; cat > zitadel-key.json.new' < [redacted]" },
  { offsetMs: 159_300, kind: 'output', text: '2 358 bytes on stdin, mode 0640, exit 0' },
  { offsetMs: 160_300, kind: 'step', stepId: 'unit', text: 'Unit' },
  { offsetMs: 160_400, kind: 'command', text: 'systemctl enable --now fleet-agent.service' },
  { offsetMs: 162_900, kind: 'exit-ok', text: 'exit 0, active (running), pid 1432' },
  { offsetMs: 163_000, kind: 'step', stepId: 'heartbeat', text: 'Heartbeat' },
  { offsetMs: 163_000, kind: 'note', text: 'watching fleet-device-info for batch7-027, newer than 13:47:02' },
  { offsetMs: 243_100, kind: 'command', text: 'journalctl -u fleet-agent -n 4 -o cat' },
  { offsetMs: 243_200, kind: 'output', text: 'token for device-batch7-027 ok, bearer [redacted]' },
  { offsetMs: 243_300, kind: 'error-output', text: 'dial tcp 10.20.0.9:4222: i/o timeout, retry in 8 s' },
  { offsetMs: 251_000, kind: 'exit-failed', text: 'exit 1, limit of 90 s reached' },
];
