/** How numbers are written in the window. Pure; local time zone where a time of day is meant. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const thousands = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** Duration in milliseconds: `2.1 s` below a minute, `2:06` above, `1:02:06` above an hour. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  // 59.96 s would round to "60.0 s".
  if (ms < MINUTE - 50) return `${(ms / SECOND).toFixed(1)} s`;
  return formatClockSpan(ms);
}

/** Span in milliseconds in whole seconds, as a countdown shows it: `0:06`, `3:37`, `1:02:06`. */
export function formatClockSpan(spanMs: number): string {
  const seconds = Math.round(Math.max(0, spanMs) / SECOND);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = twoDigits(seconds % 60);
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** Age in milliseconds: `19 s`, `1:42`, `2:14:08`, `3 d 4 h`. */
export function formatAge(ageMs: number): string {
  const ms = Math.max(0, ageMs);
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < DAY) return formatClockSpan(Math.floor(ms / SECOND) * SECOND);
  const days = Math.floor(ms / DAY);
  const hours = Math.floor((ms % DAY) / HOUR);
  return `${thousands.format(days)} d ${hours} h`;
}

/** Rough span in words: `under a minute`, `8 min`, `6 h 41 min`. */
export function formatSpanWords(spanMs: number): string {
  const minutes = Math.floor(Math.max(0, spanMs) / MINUTE);
  if (minutes < 1) return 'under a minute';
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Whole number with thousands separators: `2,914`. */
export function formatCount(value: number): string {
  return thousands.format(value);
}

/** Bytes in decimal units: `212 MB`, `24.1 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** Time of day, 24 h: `13:56:12`. */
export function formatTimeOfDay(instant: number): string {
  const date = new Date(instant);
  return `${formatHourMinute(instant)}:${twoDigits(date.getSeconds())}`;
}

/** Time of day without seconds: `13:41`. */
export function formatHourMinute(instant: number): string {
  const date = new Date(instant);
  return `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
}

const dates = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** Date with time of day: `3 Dec 2026, 14:05`. */
export function formatDate(instant: number): string {
  return `${dates.format(new Date(instant))}, ${formatHourMinute(instant)}`;
}

/** When something was, as short as it can be told: the time of day today, else the date too. */
export function formatMoment(instant: number, now: number): string {
  const isToday = new Date(instant).toDateString() === new Date(now).toDateString();
  return isToday ? formatTimeOfDay(instant) : formatDate(instant);
}

/** Long span in one unit, rounded down: `under an hour`, `7 h`, `12 days`, `14 months`, `20 years`. */
export function formatLongSpan(spanMs: number): string {
  const ms = Math.max(0, spanMs);
  const days = Math.floor(ms / DAY);
  if (ms < HOUR) return 'under an hour';
  if (days < 2) return `${Math.floor(ms / HOUR)} h`;
  if (days < 100) return `${days} days`;
  const months = Math.floor(days / 30.44);
  return months < 24 ? `${months} months` : `${thousands.format(Math.floor(days / 365.25))} years`;
}

/** Offset since the start in the log's gutter: `+1:57.4`. */
export function formatOffset(offsetMs: number): string {
  const tenths = Math.floor(Math.max(0, offsetMs) / 100);
  const seconds = Math.floor(tenths / 10);
  return `+${Math.floor(seconds / 60)}:${twoDigits(seconds % 60)}.${tenths % 10}`;
}

/** `1 device`, `3 devices`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
