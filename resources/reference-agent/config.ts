import { parse } from 'smol-toml';
import { AgentError, reasonOf } from './agent-error.ts';

/** What `/etc/fleet-agent/config.toml` says. */
export interface AgentConfig {
  readonly deviceId: string;
  readonly natsUrls: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly keyPath: string;
  /** The issuer exactly as its discovery document spells it. */
  readonly issuerUrl: string;
  /** Id of the fleet's project. */
  readonly audience: string;
  readonly acceptInvalidCertificates: boolean;
}

type Table = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

function section(root: Table, name: string): Table {
  const value = root[name];
  if (!isTable(value)) throw new AgentError('config', `The section [${name}] is missing.`);
  return value;
}

function text(table: Table, name: string): string {
  const value = table[name];
  if (typeof value === 'string' && value.length > 0) return value;
  throw new AgentError('config', `${name} must be a text.`);
}

function urls(table: Table): readonly string[] {
  const value = table.urls;
  if (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((url): url is string => typeof url === 'string')
  ) {
    return value;
  }
  throw new AgentError('config', 'urls in [nats] must be a list of at least one URL.');
}

function labels(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isTable(value)) throw new AgentError('config', '[labels] must be a section.');
  return Object.fromEntries(
    Object.entries(value).map(([name, label]) => {
      if (typeof label !== 'string') throw new AgentError('config', `The label ${name} must be a text.`);
      return [name, label];
    }),
  );
}

/**
 * Reads the agent's configuration from TOML.
 * @throws {AgentError} config, naming the entry that is missing or of the wrong kind.
 */
export function parseAgentConfig(toml: string): AgentConfig {
  let root: Table;
  try {
    root = parse(toml);
  } catch (error) {
    throw new AgentError('config', `The configuration is not valid TOML: ${reasonOf(error)}`, error);
  }
  const credentials = section(root, 'credentials');
  const type = text(credentials, 'type');
  if (type !== 'zitadel-jwt') throw new AgentError('config', `The credentials type "${type}" is not known.`);
  const acceptInvalid = credentials.danger_accept_invalid_certs ?? false;
  if (typeof acceptInvalid !== 'boolean') {
    throw new AgentError('config', 'danger_accept_invalid_certs must be true or false.');
  }
  return {
    deviceId: text(section(root, 'agent'), 'device_id'),
    natsUrls: urls(section(root, 'nats')),
    labels: labels(root.labels),
    keyPath: text(credentials, 'key_path'),
    issuerUrl: text(credentials, 'oidc_issuer_url'),
    audience: text(credentials, 'audience'),
    acceptInvalidCertificates: acceptInvalid,
  };
}
