import { openBrowser } from '../adapters/browser/open-browser.ts';
import { createPorts } from '../adapters/create-ports.ts';
import { openFileJournal, readFileJournal } from '../adapters/journal/file-journal.ts';
import { tokenCacheFor } from '../adapters/keychain/token-policy.ts';
import { createGivenTokenAccess } from '../adapters/oidc/given-token.ts';
import type { StationPorts } from '../engine/ports.ts';
import type { Profile, TokenPolicy } from '../model/profile.ts';
import type { SecretTerminal } from './ask-secret.ts';
import type { GivenSecrets } from './given-secrets.ts';
import type { Interrupts } from './interrupts.ts';
import type { Output } from './output.ts';
import { stateFolder } from './state-folder.ts';

/** What every command works with. */
export interface CommandContext {
  readonly output: Output;
  readonly interrupts: Interrupts;
  readonly secrets: GivenSecrets;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The terminal somebody sits at, or undefined. */
  readonly terminal: SecretTerminal | undefined;
}

export interface StationOptions {
  readonly stateDir?: string;
  readonly tokenCache?: TokenPolicy;
}

/** Says in red that nobody's certificate is checked, where the profile wants that. Before a secret is asked for or sent. */
export function warnOfInvalidCertificates(output: Output, { identity }: Profile): void {
  if (!identity.danger_accept_invalid_certs) return;
  const warning =
    'danger_accept_invalid_certs: any certificate is believed. The sign-in can be read on its way.';
  output.note(output.paint.failed(warning));
}

/**
 * The ports of a command.
 * @param access `write`: the journal's folder is held for this program; `read`: it is left as it is, and need not be there
 * @throws STATION_FOLDER_UNUSABLE, STATION_FOLDER_IN_USE, STATION_JOURNAL_FAILED
 */
export function openPorts(
  { secrets, environment, output }: CommandContext,
  profile: Profile,
  options: StationOptions,
  access: 'read' | 'write',
): StationPorts {
  warnOfInvalidCertificates(output, profile);
  const { token } = secrets;
  const given =
    token === undefined
      ? undefined
      : createGivenTokenAccess(token.value, token.variable, {
          issuer: profile.identity.issuer,
          nowMs: Date.now(),
        });
  return createPorts({
    profile,
    userDataDir: stateFolder(options.stateDir, environment),
    folder: access === 'write' ? 'made' : 'as-it-is',
    openJournal: access === 'write' ? openFileJournal : readFileJournal,
    openBrowser: (url) => openBrowser(url, environment),
    ...(given ?? { tokenCache: tokenCacheFor(profile, options.tokenCache) }),
  });
}
