import type { ImportView } from '../model/import-view.ts';
import { printable } from '../model/printable.ts';
import type { ClientConfig } from './client-config.ts';
import { profileText } from './profile-text.ts';

/** What a person says beside the file. Left out: as the file has it, where it has one only. */
export interface ImportRequest {
  readonly issuer?: string | undefined;
  readonly orgId?: string | undefined;
  readonly project?: string | undefined;
  readonly app?: string | undefined;
  readonly natsUrls?: readonly string[];
  readonly caFile?: string | undefined;
  readonly acceptInvalidCertificates?: boolean;
}

/** What each of them is called where it is entered: an option, or a field. */
export interface ImportWords {
  readonly issuer: string;
  readonly project: string;
  readonly app: string;
}

export type Imported =
  | {
      readonly ok: true;
      readonly issuer: string;
      readonly project: NamedId;
      readonly app: NamedId;
      /** Of the profile. */
      readonly text: string;
    }
  | { readonly ok: false; readonly problem: string };

export interface NamedId {
  readonly name: string;
  readonly id: string;
}

/** A profile out of a client config, or what is missing as a sentence. */
export function profileOfClientConfig(
  config: ClientConfig,
  request: ImportRequest,
  words: ImportWords,
): Imported {
  const issuer = issuerOf(config, request.issuer, words.issuer);
  if (!issuer.ok) return issuer;
  const project = choose(config.projects, request.project, 'project', words.project);
  if (!project.ok) return project;
  const app = choose(config.apps, request.app, 'application', words.app);
  if (!app.ok) return app;
  const text = profileText({
    ...{ name: project.name, issuer: issuer.url, clientId: app.id, projectId: project.id },
    ...{ orgId: request.orgId ?? config.org_id, caFile: request.caFile, natsUrls: request.natsUrls ?? [] },
    acceptInvalidCertificates: request.acceptInvalidCertificates === true,
  });
  return { ok: true, issuer: issuer.url, project, app, text };
}

type Chosen = ({ readonly ok: true } & NamedId) | { readonly ok: false; readonly problem: string };

/** The one that is named, or the only one there is. */
function choose(
  ids: Readonly<Record<string, string>>,
  wanted: string | undefined,
  what: string,
  word: string,
): Chosen {
  const entries = Object.entries(ids);
  const names = entries.map(([name]) => name).join(', ');
  const found =
    wanted === undefined && entries.length === 1 ? entries[0] : entries.find(([name]) => name === wanted);
  if (found !== undefined) return { ok: true, name: found[0], id: found[1] };
  if (entries.length === 0) return { ok: false, problem: `it has no ${what}.` };
  return wanted === undefined
    ? { ok: false, problem: `it has several: name the ${what} with ${word}. There are: ${names}.` }
    : { ok: false, problem: `it has no ${what} ${wanted}. There are: ${names}.` };
}

function issuerOf(
  { issuer }: ClientConfig,
  named: string | undefined,
  word: string,
): { readonly ok: true; readonly url: string } | { readonly ok: false; readonly problem: string } {
  if (issuer !== undefined && named !== undefined && issuer !== named)
    return { ok: false, problem: `it is for ${issuer}, and ${word} says ${named}.` };
  const url = named ?? issuer;
  return url === undefined
    ? { ok: false, problem: `it does not say for which identity provider it is. Name ${word}.` }
    : { ok: true, url };
}

const known = new Set(['issuer', 'org_id', 'apps', 'projects', 'machine_user_ids', 'user_grants']);

/** What of a client config goes into no profile, and why that is right. */
export function leftOut(config: ClientConfig): ImportView['ignored'] {
  const users = Object.keys(config.machine_user_ids).length;
  const grants = Object.keys(config.user_grants).length;
  const others = Object.keys(config).filter((member) => !known.has(member));
  return [
    ...(users === 0
      ? []
      : [{ what: countOf(users, 'machine user'), why: 'Found at the provider by name when needed.' }]),
    ...(grants === 0
      ? []
      : [{ what: countOf(grants, 'grant'), why: 'Looked up at the provider for each enrollment.' }]),
    ...(others.length === 0 ? [] : [{ what: namesOf(others), why: 'No setting of a profile.' }]),
  ];
}

const NAMES_SHOWN = 6;

function namesOf(members: readonly string[]): string {
  const shown = members.slice(0, NAMES_SHOWN).map((member) => printable(member).slice(0, 60));
  const more = members.length - shown.length;
  return `${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}

function countOf(count: number, word: string): string {
  return `${count.toLocaleString('en-US')} ${word}${count === 1 ? '' : 's'}`;
}
