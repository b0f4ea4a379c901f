import fs from 'node:fs';

/**
 * The Debian mirror that the machine itself uses, so that a private or a near one is used for the devices too.
 * Undefined on other distributions: debootstrap then takes Debian's own.
 */
export function ownDebianMirror(): string | undefined {
  if (!/^ID=debian$/m.test(readIfThere('/etc/os-release'))) return undefined;
  const folder = '/etc/apt/sources.list.d';
  const more = fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => `${folder}/${name}`) : [];
  for (const file of ['/etc/apt/sources.list', ...more]) {
    const mirror = mirrorIn(readIfThere(file));
    if (mirror) return mirror;
  }
  return undefined;
}

/** The first mirror of a main archive in a sources file of either format; security and third parties are not it. */
export function mirrorIn(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  for (const line of lines) {
    const found = /^(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s*)(https?:\/\/\S*\/debian\/?)(?:\s|$)/.exec(line);
    if (found) return found[1];
  }
  return undefined;
}

function readIfThere(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}
