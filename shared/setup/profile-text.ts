import { stringify } from 'smol-toml';
import { DEVICE_ROLE } from './request.ts';

export interface ProfileFacts {
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly projectId: string;
  readonly orgId?: string | undefined;
  readonly caFile?: string | undefined;
  readonly acceptInvalidCertificates?: boolean;
  readonly natsUrls?: readonly string[];
  readonly agentBinaries?: Readonly<Record<string, string>>;
}

/** The text of a profile that loads as it is. Paths of agents, and NATS where it is not named, are for a person to add. */
export function profileText(facts: ProfileFacts): string {
  const { natsUrls = [], agentBinaries = {} } = facts;
  const hasAgents = Object.keys(agentBinaries).length > 0;
  const identity = {
    issuer: facts.issuer,
    client_id: facts.clientId,
    project_id: facts.projectId,
    ...(facts.orgId === undefined ? {} : { org_id: facts.orgId }),
    device_role: DEVICE_ROLE,
    ...(facts.caFile === undefined ? {} : { ca_file: facts.caFile }),
    ...(facts.acceptInvalidCertificates === true ? { danger_accept_invalid_certs: true } : {}),
  };
  const nats = natsUrls.length === 0 ? natsHint : `\n${stringify({ nats: { urls: [...natsUrls] } })}`;
  return [
    '# Written by the set-up of the identity provider. Every setting is explained in profile.example.toml.\n\n',
    stringify({ name: facts.name.slice(0, 60), identity }),
    nats,
    hasAgents ? '' : agentHint,
    stringify({ agent: { binaries: { ...agentBinaries } } }),
  ].join('');
}

const natsHint = '\n# [nats]\n# urls = ["tls://nats.example.com:4222"]\n';
const agentHint = '\n# The agent for each architecture: x86_64 = "…", aarch64 = "…", armv7 = "…"\n';
