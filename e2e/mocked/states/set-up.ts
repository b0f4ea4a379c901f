import type { SetUpItemView, SetUpView } from '#shared/model/set-up-view.ts';
import { errorOf } from './errors.ts';

export const issuer = 'https://sso.plant-east.example:8443';
const folder = '/home/line/.config/Muster';

const common = {
  issuer,
  account: 'fleet-admin@plant-east.example',
  api: 'v2' as const,
  organisation: { id: '371639797157900001', name: 'Plant East' },
  missingRights: [],
  folder,
};

export const ready: SetUpView = { state: 'ready', ...common };

export const fewRights: SetUpView = {
  ...({ state: 'ready', ...common } as const),
  missingRights: ['project.create', 'project.app.write'],
};

export const items: SetUpItemView[] = [
  { kind: 'organisation', name: 'Plant East', state: 'already', id: '371639797157900001' },
  { kind: 'project', name: 'fleet', state: 'created', id: '371639797157987125' },
  { kind: 'role', name: 'device', state: 'created' },
  { kind: 'role', name: 'operator', state: 'already' },
  {
    kind: 'device-app',
    name: 'Muster station',
    state: 'changed',
    id: '371640022158114837',
    note: 'device code',
  },
  { kind: 'api-app', name: 'Muster API', state: 'created', id: '371640022158114838' },
  { kind: 'machine-user', name: 'nats-auth', state: 'created', id: '371640022158114901' },
  { kind: 'grant', name: 'nats-auth', state: 'created', id: '371640022158114902' },
  {
    kind: 'key',
    name: 'nats-auth',
    state: 'created',
    id: '371640022158114903',
    note: `${folder}/keys/nats-auth.json`,
  },
  { kind: 'file', name: 'client-config.json', state: 'created', note: `${folder}/client-config.json` },
  { kind: 'file', name: 'profile.toml', state: 'created', note: `${folder}/profile.toml` },
];

export const running: SetUpView = { state: 'running', ...common, items: items.slice(0, 5) };

export const done: Extract<SetUpView, { state: 'done' }> = {
  ...({ state: 'done', ...common, items, changes: 9 } as const),
  profilePath: `${folder}/profile.toml`,
};

export const failed: Extract<SetUpView, { state: 'failed' }> = {
  ...({ state: 'failed', ...common, items: items.slice(0, 3) } as const),
  error: errorOf('IDENTITY_UNREACHABLE', { issuer }),
};
