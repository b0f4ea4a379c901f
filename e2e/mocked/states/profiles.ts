import type { ImportView } from '#shared/model/import-view.ts';
import type { KnownProfile, ProfilesView } from '#shared/model/profiles-view.ts';
import { errorOf } from './errors.ts';

const east: KnownProfile = {
  ...{ id: '00000000000000e1', name: 'fleet-prod', issuer: 'https://sso.plant-east.example:8443' },
  ...{ path: '/home/line/.config/Muster/profile.toml', open: true, kept: false },
};

export const west: KnownProfile = {
  ...{ id: '00000000000000e2', name: 'plant west', issuer: 'https://sso.plant-west.example' },
  ...{ path: '/home/line/.config/Muster/profiles/plant-west/profile.toml', open: false, kept: true },
};

export const gone: KnownProfile = {
  ...{ id: '00000000000000e3', name: 'warehouse', issuer: 'https://sso.warehouse.example' },
  ...{ path: '/mnt/plant/warehouse/profile.toml', open: false, kept: true },
  error: errorOf('STATION_PROFILE_UNREADABLE', { path: '/mnt/plant/warehouse/profile.toml' }),
};

export const withOneGone: ProfilesView = { profiles: [east, west, gone] };
/** The one that was open last is the one that is gone. */
export const lastOneGone: ProfilesView = { profiles: [{ ...east, open: false }, west, gone] };

/** A file of the fleet's older tooling as it mostly is. */
export const older: ImportView = {
  fileName: 'client-config.json',
  projects: [{ name: 'warehouse', id: '371639797157921589' }],
  apps: [{ name: 'station', id: '371639797157987125' }],
  ignored: [
    { what: '1,204 machine users', why: 'Found at the provider by name when needed.' },
    { what: '1,204 grants', why: 'Looked up at the provider for each enrollment.' },
  ],
};

export const several: ImportView = {
  ...older,
  issuer: 'https://sso.plant-west.example',
  organisationId: '371639797157900002',
  projects: [...older.projects, { name: 'plant west, a name that is rather long', id: '371639797157921590' }],
  apps: [...older.apps, { name: 'api', id: '371639797157987126' }],
  ignored: [...older.ignored, { what: 'admin_token, retries', why: 'No setting of a profile.' }],
};
