/** Whether text matches a pattern of OpenSSH: `*` is any run of characters, `?` is one. Capitals do not count. */
export function matchesPattern(text: string, pattern: string): boolean {
  const [subject, wanted] = [text.toLowerCase(), pattern.toLowerCase()];
  // Without backtracking over all stars: a hostile pattern of many of them costs no more than length times length.
  let at = 0;
  let star = -1;
  let resumeAt = 0;
  let place = 0;
  while (at < subject.length) {
    const sign = wanted[place];
    if (sign === '*') {
      star = place;
      resumeAt = at;
      place += 1;
    } else if (sign === '?' || (sign !== undefined && sign === subject[at])) {
      at += 1;
      place += 1;
    } else if (star >= 0) {
      resumeAt += 1;
      at = resumeAt;
      place = star + 1;
    } else return false;
  }
  while (wanted[place] === '*') place += 1;
  return place === wanted.length;
}

/** Whether text matches a list of patterns: at least one of them, and none of those behind a `!`. */
export function matchesPatterns(text: string, patterns: readonly string[]): boolean {
  let matched = false;
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) {
      if (matchesPattern(text, pattern.slice(1))) return false;
    } else if (matchesPattern(text, pattern)) matched = true;
  }
  return matched;
}
