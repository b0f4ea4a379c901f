/** As much as the largest file that a shell itself writes for us: where that did not fit, this does not either. */
const PROBE_BYTES = 65_536;

/**
 * Shell that stands behind a write of the shell's own: `printf … > "$t" ${orTellWhy('$t')}`. The shell of Debian says
 * `I/O error` of a full disk and of a broken card alike. A program that fails at the same file names the reason.
 * @param file as it stands between double quotes; what was written to it is lost
 */
export function orTellWhy(file: string): string {
  return `|| { head -c ${PROBE_BYTES} /dev/zero > "${file}"; exit 1; }`;
}
