// What a new VM is told at its first boot: cloud-init's "NoCloud" files, on a small FAT volume of their own.
import { fatImage } from './fat-image.ts';

/** The label by which cloud-init finds its volume. */
const seedLabel = 'CIDATA';

export interface SeedInput {
  readonly hostname: string;
  /** Differs for every VM: cloud-init does its work once for each. */
  readonly instanceId: string;
  readonly user: string;
  /** Public key that may log in, one line of an `authorized_keys` file. */
  readonly authorizedKey: string;
  /** The VM's host key, so that it is known before the first contact. */
  readonly hostKey: { readonly privateKey: string; readonly publicKey: string };
  /** Password that sudo asks for. Without one sudo asks for nothing, as on Raspberry Pi OS. Never for a login by SSH. */
  readonly sudoPassword?: string;
}

/** cloud-init's `user-data`. JSON, which is YAML too: nothing has to be quoted by hand. */
export function userData(input: SeedInput): string {
  const asksForPassword = input.sudoPassword !== undefined;
  const config = {
    hostname: input.hostname,
    manage_etc_hosts: true,
    ssh_pwauth: false,
    disable_root: true,
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: input.hostKey.privateKey, ed25519_public: input.hostKey.publicKey },
    // None beside the given one; an RSA key alone takes half a minute under emulation.
    ssh_genkeytypes: [],
    users: [
      {
        name: input.user,
        shell: '/bin/bash',
        groups: ['adm', 'sudo', 'video', 'users'],
        sudo: asksForPassword ? 'ALL=(ALL) ALL' : 'ALL=(ALL) NOPASSWD: ALL',
        ssh_authorized_keys: [input.authorizedKey],
        lock_passwd: !asksForPassword,
        ...(asksForPassword ? { plain_text_passwd: input.sudoPassword } : {}),
      },
    ],
    // Making one takes minutes under emulation, and nothing here needs it.
    locale: false,
    package_update: false,
    package_upgrade: false,
  };
  return `#cloud-config\n${JSON.stringify(config, null, 2)}\n`;
}

/** cloud-init's `meta-data`. */
export function metaData(input: Pick<SeedInput, 'instanceId' | 'hostname'>): string {
  return `${JSON.stringify({ 'instance-id': input.instanceId, 'local-hostname': input.hostname })}\n`;
}

/** The seed as a disk: 4 MiB, labelled as cloud-init expects it. */
export function seedImage(input: SeedInput): Uint8Array {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  return fatImage(seedLabel, [
    { path: 'user-data', content: encode(userData(input)) },
    { path: 'meta-data', content: encode(metaData(input)) },
  ]);
}
