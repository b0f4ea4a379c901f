import { z } from 'zod';
import { importChoiceSchema, importViewSchema, MAX_CLIENT_CONFIG_LENGTH } from '../model/import-view.ts';
import { profileIdSchema, profilesViewSchema } from '../model/profiles-view.ts';
import { setUpCheckSchema, setUpNamesSchema, setUpViewSchema } from '../model/set-up-view.ts';
import {
  errorViewSchema,
  logLineSchema,
  stationDeltaSchema,
  stationStateSchema,
} from '../model/station-state.ts';

/**
 * Every message between window, main process and engine, once. Handlers, callers, the preload's functions
 * and the fake of the mocked tests derive from this value; both sides parse what they receive with it.
 * Only JSON text crosses, and failures cross as data (Electron keeps only the message of a thrown error).
 */

const nothing = z.null();
const secretText = z.string().min(1).max(1024);
const deviceIds = z.array(z.string().min(1).max(253)).min(1).max(2000);
const rowId = z.string().min(1).max(64);
/** Secrets for devices of a batch. They are used for this batch only. */
const secrets = {
  sshPassword: secretText.optional(),
  sudoPassword: secretText.optional(),
  /** Opens the station's private key, for every device of this batch. */
  keyPassphrase: secretText.optional(),
};

/**
 * `by`: who answers. `main` handles what needs Electron, `engine` is the station, and `setup` is in the engine's process
 * too, but there before any station can be: a first start has no profile.
 */
function invoke<B extends 'main' | 'engine' | 'setup', I extends z.ZodType, O extends z.ZodType>(
  by: B,
  input: I,
  output: O,
) {
  return { kind: 'invoke', by, input, output } as const;
}

function notify<O extends z.ZodType>(payload: O) {
  return { kind: 'notify', payload } as const;
}

export const ipc = {
  'station.snapshot': invoke('engine', nothing, stationStateSchema),
  'station.dismissNotice': invoke('engine', z.object({ id: z.string().max(64) }), nothing),

  'session.signIn': invoke('engine', nothing, nothing),
  /** While another station shows its code: does not wait for it, and shows one here. */
  'session.signInHere': invoke('engine', nothing, nothing),
  /**
   * Signs in with an access token that a person has handed in, once the provider has told whose it is and that it may
   * enroll. A refusal leaves everything as it was. `remember`: only where the profile allows it.
   */
  'session.signInWithToken': invoke(
    'engine',
    z.object({ token: z.string().min(1).max(8192), remember: z.boolean() }),
    nothing,
  ),
  'session.cancel': invoke('engine', nothing, nothing),
  'session.signOut': invoke('engine', nothing, nothing),
  /** Opens the verification page of the sign-in in progress in the system browser. */
  'session.openBrowser': invoke('main', nothing, nothing),
  'session.copyAddress': invoke('main', nothing, nothing),

  'bench.add': invoke(
    'engine',
    z.object({ deviceId: z.string().max(300), target: z.string().max(300) }),
    z.object({ rowId }),
  ),
  'bench.rename': invoke('engine', z.object({ rowId, deviceId: z.string().max(300) }), nothing),
  'bench.remove': invoke('engine', z.object({ rowId }), nothing),

  'batch.start': invoke(
    'engine',
    z.object({
      rowIds: z.array(rowId).min(1).max(2000),
      ...secrets,
      /** Take an id over that another board has. Holds for every attempt of this batch. */
      takeOver: z.boolean().optional(),
      /** Give devices whose clock is off the station's time. Holds for every attempt of this batch. */
      setClock: z.boolean().optional(),
      /** Give every device a new key in place of a good one. */
      rotateKeys: z.boolean().optional(),
    }),
    z.object({ batchId: z.string() }),
  ),
  'batch.stop': invoke('engine', nothing, nothing),
  /**
   * Retries devices of the current batch; secrets entered beside a cause are used for this batch only. `setClock`:
   * this once, a device whose clock is off gets the station's time. `takeOver`: this once, an id that another board
   * has is taken over, and the other board's key deleted once the new one works.
   */
  'batch.retry': invoke(
    'engine',
    z.object({
      deviceIds,
      ...secrets,
      setClock: z.boolean().optional(),
      takeOver: z.boolean().optional(),
    }),
    nothing,
  ),

  /**
   * Trusts the key that was shown in place of the pinned one, and retries the device. `fingerprint` is the new one as
   * the operator saw it: what the device shows by then may be yet another.
   */
  'device.trustNewHostKey': invoke(
    'engine',
    z.object({ deviceId: z.string().max(253), fingerprint: z.string().max(100) }),
    nothing,
  ),
  /** Where devices are reached, as far as the station knows: from the Bench, else from their last enrollment, else from their heartbeat. */
  'fleet.targets': invoke(
    'engine',
    z.object({ deviceIds }),
    z.array(
      z.object({
        deviceId: z.string(),
        target: z.string().optional(),
        from: z.enum(['bench', 'last-run', 'heartbeat']).optional(),
        /** What forbids to enroll the device's row of the Bench. */
        problem: errorViewSchema.optional(),
      }),
    ),
  ),
  /**
   * Starts a batch in which every device gets a new key in place of the one it has; the old one is deleted once the new one
   * works. A device that is not on the Bench is put there, with the target given.
   */
  'fleet.rotateKeys': invoke(
    'engine',
    z.object({
      devices: z
        .array(
          z.object({ deviceId: z.string().min(1).max(253), target: z.string().min(1).max(300).optional() }),
        )
        .min(1)
        .max(1000),
      ...secrets,
    }),
    z.object({ batchId: z.string() }),
  ),
  /** Begins to ask the provider for the keys of these devices; how it goes is in the state's `keyLookUp` and `keys`. */
  'fleet.lookUpKeys': invoke('engine', z.object({ deviceIds }), nothing),
  /**
   * Begins to take a device out of the fleet: keys, account, agent on the device where a target is given, entry among the
   * heartbeats. Answers at once; how it goes is in the state's `decommissions`. The same again goes on with what is left.
   */
  'device.decommission': invoke(
    'engine',
    z.object({
      deviceId: z.string().min(1).max(253),
      /** Where the agent is taken off; without it nothing is done on the device. */
      target: z.string().min(1).max(300).optional(),
      /** Do not touch the device, though a target is given. */
      keepAgent: z.boolean().optional(),
      /** Delete the agent's user account and its home too. */
      removeUser: z.boolean().optional(),
      ...secrets,
    }),
    nothing,
  ),
  /** Cuts off a decommission that runs; nothing happens where none does. What is done stays done. */
  'device.stopDecommission': invoke('engine', z.object({ deviceId: z.string().min(1).max(253) }), nothing),
  /** The log so far of one device of the batch; lines that follow come by `device.log`. One device at a time. */
  'device.followLog': invoke('engine', z.object({ deviceId: z.string().max(253) }), z.array(logLineSchema)),
  'device.unfollowLog': invoke('engine', nothing, nothing),
  /** Copies an error's code, sentences and evidence. */
  'device.copyEvidence': invoke('main', z.object({ text: z.string().max(65_536) }), nothing),

  'setup.view': invoke('setup', nothing, setUpViewSchema),
  /** Asks the provider whom the token speaks for. What is wrong leaves everything as it was. */
  'setup.check': invoke('setup', setUpCheckSchema, setUpViewSchema),
  /** Begins to find or make everything; how it goes comes by `setup.changed`. */
  'setup.run': invoke('setup', setUpNamesSchema, nothing),
  /** Stops a run and forgets the token. What was made stays, and the next run finds it. */
  'setup.leave': invoke('setup', nothing, nothing),
  /** Nobody looks at the set-up any more. The token is forgotten, at once or with the end of the run that has it. */
  'setup.leaveScreen': invoke('setup', nothing, setUpViewSchema),
  /** Goes on with the profile that the set-up has just written. */
  'setup.openProfile': invoke('main', nothing, nothing),

  /** Every profile this station knows, each looked at now. */
  'profile.list': invoke('main', nothing, profilesViewSchema),
  /** Goes on with another profile, after it was read. One that cannot be opened leaves everything as it was. */
  'profile.open': invoke('main', z.object({ id: profileIdSchema }), nothing),
  /** Asks for a profile's file, and goes on with it. */
  'profile.openFile': invoke('main', nothing, z.object({ opened: z.boolean() })),
  /** Takes a profile off the list; its file stays. */
  'profile.forget': invoke('main', z.object({ id: profileIdSchema }), profilesViewSchema),

  /** Asks for the client config of the fleet's older tooling and reads it; null when nothing was chosen. */
  'import.chooseFile': invoke('main', nothing, importViewSchema.nullable()),
  /** Reads a client config that was dropped on the window. */
  'import.read': invoke(
    'main',
    z.object({ fileName: z.string().min(1).max(300), text: z.string().max(MAX_CLIENT_CONFIG_LENGTH) }),
    importViewSchema,
  ),
  /** Writes the profile out of what was read last; it is on the list from then on. */
  'import.save': invoke('main', importChoiceSchema, z.object({ id: profileIdSchema })),

  'station.delta': notify(stationDeltaSchema),
  'setup.changed': notify(setUpViewSchema),
  'device.log': notify(z.object({ deviceId: z.string(), lines: z.array(logLineSchema) })),
} as const;

export type Ipc = typeof ipc;
export type Channel = keyof Ipc;
export type InvokeChannel = { [C in Channel]: Ipc[C] extends { kind: 'invoke' } ? C : never }[Channel];
export type NotifyChannel = { [C in Channel]: Ipc[C] extends { kind: 'notify' } ? C : never }[Channel];
export type EngineChannel = {
  [C in InvokeChannel]: Ipc[C] extends { by: 'engine' } ? C : never;
}[InvokeChannel];
export type SetUpChannel = {
  [C in InvokeChannel]: Ipc[C] extends { by: 'setup' } ? C : never;
}[InvokeChannel];
export type MainChannel = Exclude<InvokeChannel, EngineChannel | SetUpChannel>;
export type Input<C extends InvokeChannel> = z.infer<Ipc[C]['input']>;
export type Output<C extends InvokeChannel> = z.infer<Ipc[C]['output']>;
export type Payload<C extends NotifyChannel> = z.infer<Ipc[C]['payload']>;

const channels = Object.keys(ipc) as Channel[];
export const invokeChannels = channels.filter((channel) => ipc[channel].kind === 'invoke') as InvokeChannel[];
export const notifyChannels = channels.filter((channel) => ipc[channel].kind === 'notify') as NotifyChannel[];

/** An answer as it crosses: a value or a failure, never a throw. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: z.infer<typeof errorViewSchema> };

/** Parser of the answer to one channel. */
export function resultSchema<C extends InvokeChannel>(channel: C): z.ZodType<Result<Output<C>>> {
  const schema: z.ZodType = z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value: ipc[channel].output }),
    z.object({ ok: z.literal(false), error: errorViewSchema }),
  ]);
  return schema as z.ZodType<Result<Output<C>>>;
}

/** Messages between the main process and the engine process. `json` is the channel's own payload. */
export const engineMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('call'),
    id: z.number().int(),
    channel: z.enum(invokeChannels),
    json: z.string(),
  }),
  z.object({ type: z.literal('answer'), id: z.number().int(), json: z.string() }),
  z.object({ type: z.literal('notify'), channel: z.enum(notifyChannels), json: z.string() }),
  /** Engine asks main to open the sign-in page; main checks the address against the profile's issuer. */
  z.object({ type: z.literal('open-browser'), url: z.string().max(2048) }),
  z.object({ type: z.literal('browser-opened'), opened: z.boolean() }),
  /** Engine asks main which proxy this computer uses for an address; the answer is like that of a PAC file. */
  z.object({ type: z.literal('resolve-proxy'), id: z.number().int(), url: z.string().max(2048) }),
  z.object({ type: z.literal('proxy'), id: z.number().int(), answer: z.string().max(8192) }),
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('shut-down') }),
]);
export type EngineMessage = z.infer<typeof engineMessageSchema>;
