import { createHash } from 'node:crypto';
import type { DeviceCommand } from '../device/device-command.ts';
import { binaryPath, configDirectory, configPath, keyPath, unitPath } from '../device/paths.ts';
import type { CommandResult } from '../engine/ports.ts';
import { placeNames } from '../model/facts.ts';
import { nonceOf } from './read-script.ts';

/** What a look finds out about a fake device. */
export interface LookedAt {
  readonly deviceId: string;
  readonly hostname: string | undefined;
  readonly elevation: string;
  readonly files: ReadonlyMap<string, { readonly content: string; readonly rights: string }>;
  readonly missing: ReadonlySet<string>;
  readonly user: Readonly<Record<'exists' | 'lingering' | 'socket' | 'subordinateIds', boolean>>;
  readonly unit: { readonly enabled: boolean; readonly active: boolean };
  readonly osVersion: string;
  readonly machine: string;
  readonly freeKib: number;
  readonly isReadOnly: boolean;
  readonly firstBootRunning: boolean;
  readonly clockOffsetSeconds: number;
  readonly canMakeKeys: boolean;
  readonly needsRestart: boolean;
  readonly serial: string;
  readonly machineId: string;
  readonly boots: number;
  readonly epoch: number;
  readonly heldBy: string | undefined;
  readonly configDirectoryRights: string;
}

/** The agent's user on every fake device. */
export const AGENT_UID = 998;
export const AGENT_GID = 997;

/** What a look at the device prints, as a real one's script would. */
export function fakeLook(device: LookedAt, nowMs: number, command: DeviceCommand): CommandResult {
  const facts: Record<string, string> = { elevation: device.elevation, end: 'ok' };
  if (device.elevation !== 'none' && (device.elevation !== 'sudo-password' || command.asRoot)) {
    const key = device.files.get(keyPath);
    const parsed = key === undefined ? undefined : (JSON.parse(key.content) as Record<string, string>);
    Object.assign(facts, {
      hostname: device.hostname ?? device.deviceId,
      'os-id': 'debian',
      'os-version': device.osVersion,
      'os-name': `Debian GNU/Linux ${device.osVersion}`,
      machine: device.machine,
      ...Object.fromEntries(
        placeNames.map((name) => [
          `place-${name}`,
          `${device.freeKib} ${device.isReadOnly ? 'read-only' : 'writable'} /`,
        ]),
      ),
      'first-boot': device.firstBootRunning ? 'running' : '',
      clock: String(Math.floor(nowMs / 1000) + device.clockOffsetSeconds),
      'missing-packages': [...device.missing].join(' '),
      'agent-uid': device.user.exists ? String(AGENT_UID) : '',
      'agent-main-gid': device.user.exists ? String(AGENT_GID) : '',
      'agent-home': device.user.exists ? `directory:${AGENT_UID}` : '',
      linger: device.user.lingering ? 'yes' : '',
      'user-manager': device.user.lingering ? 'running' : '',
      'podman-socket': device.user.socket ? 'enabled' : '',
      'podman-listens': device.user.socket ? 'yes' : '',
      'subordinate-ids': device.user.subordinateIds ? 'yes' : '',
      'agent-gid': device.user.exists ? String(AGENT_GID) : '',
      'own-uid': '0',
      'own-gid': '0',
      parents: '755:0:0:./; 755:0:0:./usr/local/bin;',
      files: listed(device),
      binary: hashOf(device, binaryPath),
      config: hashOf(device, configPath),
      unit: hashOf(device, unitPath),
      'key-id': parsed?.keyId ?? '',
      'key-user': parsed?.userId ?? '',
      'key-maker': device.canMakeKeys ? 'openssl' : '',
      'unit-enabled': device.unit.enabled ? 'yes' : '',
      'unit-state': `ActiveState=${device.unit.active ? 'active' : 'inactive'} NeedDaemonReload=no`,
      'needs-restart': device.needsRestart ? 'yes' : '',
      serial: device.serial,
      'machine-id': device.machineId,
      'boot-id': `boot-${device.boots}`,
      epoch: String(device.epoch),
      ...(device.heldBy === undefined ? {} : { 'held-by': device.heldBy }),
      end: 'ok',
    });
  }
  const nonce = nonceOf(command.script);
  const text = Object.entries(facts).map(([name, value]) => `@${nonce} ${name} ${value}`);
  return { exitStatus: 0, stdout: `Last login: today\n${text.join('\n')}\n`, stderr: '' };
}

function hashOf({ files }: LookedAt, path: string): string {
  const file = files.get(path);
  return file === undefined ? '' : createHash('sha256').update(file.content).digest('hex');
}

function listed({ files, configDirectoryRights }: LookedAt): string {
  const regular = [...files].map(([path, { rights }]) => `regular file:1:${rights}:.${path};`);
  const directory =
    configDirectoryRights === '' ? [] : [`directory:2:${configDirectoryRights}:.${configDirectory};`];
  return [...directory, ...regular].join(' ');
}
