import type { ConditionPackage } from '../base-recipe.ts';
import type { DeviceFiles } from '../device-files.ts';
import type { LinkShape } from '../link-shape.ts';

/** One way in which a device differs from a kind one. */
export interface Condition {
  /** What is different, as one sentence. */
  readonly about: string;
  /** What an operator has to know to log in, where it differs. */
  readonly login?: { readonly user?: 'root'; readonly port?: number };
  /** What has to be installed for it. */
  readonly packages?: readonly ConditionPackage[];
  /** Changes the disk before the first boot. */
  readonly prepare?: (files: DeviceFiles) => Promise<void> | void;
  /** Options of systemd-nspawn, in force at every boot. */
  readonly nspawn?: readonly string[];
  readonly link?: LinkShape;
}

/** Where stand-ins of the farm keep what they need on a device. */
export const farmFilesOnDevice = '/var/lib/muster-farm';
