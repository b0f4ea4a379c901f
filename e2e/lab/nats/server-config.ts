import { DEVICE_INFO_BUCKET } from './permissions.ts';

/**
 * Names of the lab server's accounts. The bucket and the stations live in `fleet`. Devices have an account
 * of their own and reach the bucket's subjects as an imported service. Were they in `fleet`, a device could
 * name another device's entry as the reply subject of its own put: the acknowledgement would be stored there,
 * because NATS does not check reply subjects against permissions. An imported service answers into the
 * device's account only.
 */
export const accounts = { fleet: 'APP', devices: 'DEVICES', callout: 'AUTH', system: 'SYS' } as const;

/** The two users that do not go through the callout; only this process knows their passwords. */
export const privilegedUsers = { callout: 'lab-callout', bucket: 'lab-bucket' } as const;

export interface ServerConfigOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly dir: string;
  readonly storeDir: string;
  /** Public nkey (`A…`) that signs the callout's grants. */
  readonly issuer: string;
  readonly calloutPassword: string;
  readonly bucketPassword: string;
}

/** An access token with many roles does not fit the default of 4 KiB, which bounds the CONNECT line. */
const MAX_CONTROL_LINE_BYTES = 32 * 1024;
const MEBIBYTE = 1024 * 1024;

/** Text of the server's configuration file; the server reads JSON. */
export function serverConfig(options: ServerConfigOptions): string {
  const { host, port, dir, storeDir, issuer, calloutPassword, bucketPassword } = options;
  const entries = `$KV.${DEVICE_INFO_BUCKET}.>`;
  const config = {
    server_name: 'muster-lab',
    host,
    port: port === 0 ? -1 : port,
    ports_file_dir: dir,
    max_control_line: MAX_CONTROL_LINE_BYTES,
    jetstream: { store_dir: storeDir, max_memory_store: 64 * MEBIBYTE, max_file_store: 256 * MEBIBYTE },
    accounts: {
      [accounts.fleet]: {
        jetstream: 'enabled',
        users: [{ user: privilegedUsers.bucket, password: bucketPassword }],
        exports: [{ service: entries, accounts: [accounts.devices] }],
      },
      [accounts.devices]: { imports: [{ service: { account: accounts.fleet, subject: entries } }] },
      [accounts.callout]: { users: [{ user: privilegedUsers.callout, password: calloutPassword }] },
      [accounts.system]: {},
    },
    system_account: accounts.system,
    authorization: {
      // Seconds; the callout asks the provider, and on a busy computer all of them take their time.
      timeout: 30,
      auth_callout: {
        issuer,
        account: accounts.callout,
        auth_users: [privilegedUsers.callout, privilegedUsers.bucket],
      },
    },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
