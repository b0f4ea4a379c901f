import { generateKeyPair, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { createIdSource } from './ids.ts';

const numericId = z.string().regex(/^\d{18}$/);

const operatorIds = z.object({ owner: numericId, auditor: numericId, trainee: numericId, admin: numericId });
/** What every such file has had from the start; the rest may be missing in an older one. */
const coreSchema = z.looseObject({
  signingJwk: z.looseObject({ kty: z.literal('RSA'), kid: z.string(), alg: z.literal('RS256') }),
  clientId: numericId,
  orgId: numericId,
  projectId: numericId,
  zitadelProjectId: numericId,
  operatorIds: z.looseObject(operatorIds.shape),
  adminToken: z.string().min(20),
});
const labIdentitySchema = z.object({
  ...coreSchema.shape,
  appId: numericId,
  otherOrgId: numericId,
  operatorIds: operatorIds.extend({ instanceOwner: numericId, bystander: numericId }),
  /** Tokens of machine users: an owner of the instance, and one without any right. */
  instanceToken: z.string().min(20),
  powerlessToken: z.string().min(20),
});

/** What stays the same when a lab is started again on the same data folder: signing key and fixed ids. */
export type LabIdentity = z.output<typeof labIdentitySchema>;

/**
 * The identity kept in `dataDir`, made and written (mode 0600) the first time; a new one when there is no folder.
 * What a file of an older lab lacks is added to it.
 * @throws when the file exists but is not such an identity.
 */
export async function loadLabIdentity(dataDir: string | undefined): Promise<LabIdentity> {
  if (dataDir === undefined) return makeLabIdentity();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, 'lab-identity.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const kept = text === undefined ? undefined : coreSchema.parse(JSON.parse(text));
  const complete = labIdentitySchema.safeParse(kept);
  if (complete.success) return complete.data;
  const made = await makeLabIdentity();
  const operatorIds = { ...made.operatorIds, ...kept?.operatorIds };
  const identity = labIdentitySchema.parse({ ...made, ...kept, operatorIds });
  const half = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(half, JSON.stringify(identity, undefined, 2), { mode: 0o600 });
  await rename(half, file);
  return identity;
}

async function makeLabIdentity(): Promise<LabIdentity> {
  const nextId = createIdSource();
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return {
    signingJwk: {
      ...privateKey.export({ format: 'jwk' }),
      kty: 'RSA',
      kid: nextId(),
      alg: 'RS256',
      use: 'sig',
    },
    clientId: nextId(),
    orgId: nextId(),
    projectId: nextId(),
    zitadelProjectId: nextId(),
    appId: nextId(),
    otherOrgId: nextId(),
    operatorIds: {
      owner: nextId(),
      auditor: nextId(),
      trainee: nextId(),
      admin: nextId(),
      instanceOwner: nextId(),
      bystander: nextId(),
    },
    adminToken: randomBytes(53).toString('base64url'),
    instanceToken: randomBytes(53).toString('base64url'),
    powerlessToken: randomBytes(53).toString('base64url'),
  };
}
