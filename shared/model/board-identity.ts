/** What tells one board from another. Undefined: not there, not readable. */
export interface BoardIdentity {
  /** Of the board itself; outlives its card. */
  readonly serial: string | undefined;
  /** Of the card: made anew when it is flashed, and the same on cards that were copied. */
  readonly machineId: string | undefined;
  /** Fingerprint of the SSH host key. Undefined where the board was reached without SSH. */
  readonly hostKey: string | undefined;
}

/**
 * Whether these are two boards. Serial numbers decide where both are known: a card flashed anew in one board is no
 * other board, and two boards of one image are two. Without them it takes another machine id and no host key in common.
 * Boards about which too little is known are not told apart.
 */
export function isOtherBoard(one: BoardIdentity, other: BoardIdentity): boolean {
  const [serial, otherSerial] = [knownSerial(one), knownSerial(other)];
  if (serial !== undefined && otherSerial !== undefined) return serial !== otherSerial;
  if (one.machineId === undefined || other.machineId === undefined) return false;
  if (one.machineId === other.machineId) return false;
  return one.hostKey === undefined || one.hostKey !== other.hostKey;
}

/** What a board is told by, whatever card is in it. Boards that were never given a number of their own show zeros. */
export function knownSerial({ serial }: Pick<BoardIdentity, 'serial'>): string | undefined {
  return serial === undefined || /^0*$/.test(serial) ? undefined : serial;
}

/** A board in words, by all that is known of it. */
export function identityText({ serial, machineId, hostKey }: BoardIdentity): string {
  const known = [
    ...(serial === undefined ? [] : [`serial number ${serial}`]),
    ...(machineId === undefined ? [] : [`machine id ${machineId}`]),
    ...(hostKey === undefined ? [] : [`host key ${hostKey}`]),
  ];
  return known.length === 0 ? 'nothing known' : known.join(', ');
}
