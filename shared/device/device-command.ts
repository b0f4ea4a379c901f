import type { Secret } from '../model/secret.ts';

declare const brand: unique symbol;

/**
 * A POSIX shell script for a device. Only `device/commands.ts` and its neighbours build one, so that a string
 * made elsewhere does not compile.
 */
export interface DeviceCommand {
  readonly [brand]: true;
  /** What it does, for the log: `Look at the device`. */
  readonly title: string;
  /** The script's text. Holds no secret: it may be logged as it is. */
  readonly script: string;
  /** Whether it needs root. The session's elevation decides how it becomes root. */
  readonly asRoot: boolean;
}

/** Builds a command. For `shared/device/` only. */
export function defineCommand(
  title: string,
  script: string,
  options: { readonly asRoot: boolean },
): DeviceCommand {
  return { title, script, asRoot: options.asRoot } as DeviceCommand;
}

/** How the script becomes root, found out by the first look. */
export type ElevationMethod =
  | { readonly kind: 'none' }
  | { readonly kind: 'sudo' }
  | { readonly kind: 'sudo-password'; readonly password: Secret };
