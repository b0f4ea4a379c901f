import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HANGS_AFTER_MS } from '../../../testing/patience.ts';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export interface CertificateWishes {
  /** Name in the certificate. */
  readonly name?: string;
  /** `YYYYMMDDHHMMSSZ`. */
  readonly from?: string;
  readonly until?: string;
  /** Further lines of its extensions, as OpenSSL's configuration has them. */
  readonly extensions?: readonly string[];
}

/** An authority for tests. */
export interface TestAuthority extends Certificate {
  /** The file that a profile names. */
  readonly file: string;
  issue(wishes?: CertificateWishes): Certificate;
}

function openssl(folder: string, words: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', words, {
    cwd: folder,
    timeout: HANGS_AFTER_MS,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`);
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** False where there is no openssl to make certificates with. */
export function canMakeCertificates(): boolean {
  return spawnSync('openssl', ['version'], { timeout: HANGS_AFTER_MS }).status === 0;
}

/**
 * Makes an authority whose files live in this folder.
 * @param usage what its own certificate may be used for
 */
export function createTestAuthority(
  folder: string,
  name: string,
  usage = 'keyCertSign,cRLSign',
): TestAuthority {
  const at = (file: string): string => path.join(folder, `${name}-${file}`);
  const read = (file: string): string => readFileSync(at(file), 'utf8');
  openssl(folder, [
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`],
    ...['-addext', `keyUsage=critical,${usage}`, '-keyout', at('ca.key'), '-out', at('ca.pem')],
  ]);
  writeFileSync(at('index'), '');
  writeFileSync(
    at('ca.cnf'),
    `[ca]\ndatabase=${at('index')}\nnew_certs_dir=${folder}\nrand_serial=yes\nunique_subject=no\npolicy=any\n[any]\ncommonName=supplied\n`,
  );
  let count = 0;
  return {
    ...{ key: read('ca.key'), cert: read('ca.pem'), file: at('ca.pem') },
    issue: (wishes = {}) => {
      const { name: host = 'id.example', from, until, extensions = [] } = wishes;
      count += 1;
      const [key, request, cert, more] = ['key', 'csr', 'pem', 'ext'].map((end) => at(`${count}.${end}`));
      if (key === undefined || request === undefined || cert === undefined || more === undefined)
        throw new Error('four names');
      openssl(folder, ['req', ...newKey, '-subj', `/CN=${host}`, '-keyout', key, '-out', request]);
      writeFileSync(more, [`subjectAltName=DNS:${host}`, ...extensions].join('\n'));
      openssl(folder, [
        ...['ca', '-batch', '-notext', '-md', 'sha256', '-name', 'ca', '-config', at('ca.cnf')],
        ...['-cert', at('ca.pem'), '-keyfile', at('ca.key'), '-extfile', more, '-in', request, '-out', cert],
        ...(from === undefined ? ['-days', '2'] : ['-startdate', from]),
        ...(until === undefined ? [] : ['-enddate', until]),
      ]);
      if (!existsSync(cert)) throw new Error('openssl made no certificate');
      return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
    },
  };
}
