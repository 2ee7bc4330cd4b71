/** Numbers as people read them, the same in the status bar, the pages and the terminal. */

const NANO = 1e9;
export const MISSING = '–';

/**
 * `$4.37` from $1 up, `$0.0312` below, `$0.00` for zero, `$1,204` from $1,000, `~$0.12` for an estimate.
 * What is not a number is missing: `–`. Nano-dollars in.
 */
export function formatUsd(nanoUsd: number, options: { estimate?: boolean } = {}): string {
  if (!Number.isFinite(nanoUsd)) return MISSING;
  const sign = nanoUsd < 0 ? '−' : '';
  const usd = Math.abs(nanoUsd) / NANO;
  let digits: string;
  if (usd === 0) digits = '0.00';
  else if (usd < 0.99995) digits = usd < 0.00005 ? '0.0001' : usd.toFixed(4);
  else if (usd < 999.995) digits = usd.toFixed(2);
  else digits = withCommas(Math.round(usd));
  const less = usd > 0 && usd < 0.00005 ? '<' : '';
  return `${options.estimate === true ? '~' : ''}${sign}${less}$${digits}`;
}

/** As {@link formatUsd}; `≥$0.42` where `unpriced` of the responses have no known price, so that it is no less. */
export const formatKnownUsd = (nanoUsd: number, unpriced: number): string =>
  `${unpriced > 0 ? '≥' : ''}${formatUsd(nanoUsd)}`;

/** A rate: `$0.21/min`, below a cent `$0.0031/min`. Nano-dollars a minute in. */
export function formatRate(nanoUsd: number, options: { estimate?: boolean } = {}): string {
  const usd = nanoUsd / NANO;
  if (!(usd >= 0.01 && usd < 0.995)) return `${formatUsd(nanoUsd, options)}/min`;
  return `${options.estimate === true ? '~' : ''}$${usd.toFixed(2)}/min`;
}

/** `<0.1s`, `0.3s`, `9s`, `12s`, `8m 41s`, `2h 05m`, `42 days` from 1,000 hours; `–` for what is no duration. Milliseconds in. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return MISSING;
  const seconds = ms / 1000;
  if (seconds < 0.05) return '<0.1s';
  if (seconds < 9.95) return `${trimZero(seconds.toFixed(1))}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m ${pad2(whole % 60)}s`;
  const hours = Math.floor(minutes / 60);
  // No agent works for months: a clock was wrong, and then the digits say nothing.
  if (hours >= 1000) return `${withCommas(Math.floor(hours / 24))} days`;
  return `${hours}h ${pad2(minutes % 60)}m`;
}

/**
 * A duration that is still running, in whole seconds so that it does not flicker: `0s`, `12s`, `8m 41s`.
 * Milliseconds in; a clock that runs behind counts as zero.
 */
export function formatElapsed(ms: number): string {
  if (!Number.isFinite(ms)) return MISSING;
  const whole = Math.max(0, Math.floor(ms / 1000));
  return whole === 0 ? '0s' : formatDuration(whole * 1000);
}

/** Time left: `3:42`, then `cold` (or another word for the end). Milliseconds in. */
export function formatCountdown(ms: number, over = 'cold'): string {
  if (!Number.isFinite(ms)) return MISSING;
  // Up to the next second: 0:01 is shown until the very end.
  return ms <= 0 ? over : formatClock(Math.ceil(ms / 1000) * 1000);
}

/**
 * How long ago: `now`, `10 min ago` within the hour, `14:02` on the same day, then `22 Nov`, with the year
 * when it is another one. Local time. Milliseconds since the epoch in.
 */
export function formatAge(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const now = new Date(nowMs);
  if (Number.isNaN(at.getTime()) || Number.isNaN(now.getTime())) return MISSING;
  const minutes = Math.floor((nowMs - atMs) / 60_000);
  if (minutes < 1) return 'now';
  if (minutes < 60) return `${minutes} min ago`;
  const sameYear = at.getFullYear() === now.getFullYear();
  if (sameYear && at.getMonth() === now.getMonth() && at.getDate() === now.getDate()) {
    return formatTimeOfDay(atMs);
  }
  const day = `${at.getDate()} ${MONTHS[at.getMonth()]}`;
  return sameYear ? day : `${day} ${at.getFullYear()}`;
}

/** `14:02`, in local time. */
export function formatTimeOfDay(ms: number): string {
  const at = new Date(ms);
  if (Number.isNaN(at.getTime())) return MISSING;
  return `${pad2(at.getHours())}:${pad2(at.getMinutes())}`;
}

/** `22 Nov 2026, 14:02`, in local time. */
export function formatMoment(ms: number): string {
  const at = new Date(ms);
  if (Number.isNaN(at.getTime())) return MISSING;
  return `${at.getDate()} ${MONTHS[at.getMonth()]} ${at.getFullYear()}, ${formatTimeOfDay(ms)}`;
}

/** `20 Nov 2026` from `2026-11-20`; what is no such date comes back as it is. */
export function formatDay(isoDay: string): string {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(isoDay) ?? [];
  const name = MONTHS[Number(month) - 1];
  return name === undefined ? isoDay : `${Number(day)} ${name} ${year}`;
}

/** `3:42`, above an hour `1:03:42`. Milliseconds in. */
export function formatClock(ms: number): string {
  if (!Number.isFinite(ms)) return MISSING;
  const whole = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0
    ? `${hours}:${pad2(minutes)}:${pad2(whole % 60)}`
    : `${minutes}:${pad2(whole % 60)}`;
}

/** `9,999` in full, then `12.4k`, `1.3M`. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return MISSING;
  return value < 9999.5 ? withCommas(value) : compact(value);
}

/** Tokens, always compact: `812`, `142k`, `1.3M`. */
export function formatTokens(value: number): string {
  if (!Number.isFinite(value)) return MISSING;
  if (value < 999.5) return String(Math.round(value));
  if (value < 9950) return `${trimZero((value / 1000).toFixed(1))}k`;
  return value < 999_500 ? `${Math.round(value / 1000)}k` : compact(Math.max(value, 1e6));
}

/** `12%`; one decimal for an error rate: `0.4%`. A ratio in, 0.12 for 12%. */
export function formatPercent(ratio: number, decimals: 0 | 1 = 0): string {
  return Number.isFinite(ratio) ? `${(ratio * 100).toFixed(decimals)}%` : MISSING;
}

/** `912 B`, `3.4 KB`, `12 MB`: a kilobyte has 1,000. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return MISSING;
  let value = bytes;
  for (const unit of ['B', 'KB', 'MB', 'GB']) {
    const shown = unit === 'B' || value >= 9.95 ? Math.round(value) : trimZero(value.toFixed(1));
    if (unit === 'GB' || Number(shown) < 1000) return `${shown} ${unit}`;
    value /= 1000;
  }
  return MISSING;
}

/** `1 call`, `2 calls`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

function compact(value: number): string {
  if (value < 999_950) return `${trimZero((value / 1000).toFixed(1))}k`;
  if (value < 999_950_000) return `${trimZero((value / 1e6).toFixed(1))}M`;
  // More than there is: a number from a broken or hostile trace.
  if (value >= 999_950_000_000) return '>999B';
  return `${trimZero((value / 1e9).toFixed(1))}B`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const trimZero = (digits: string): string => digits.replace(/\.0$/, '');
const pad2 = (value: number): string => String(value).padStart(2, '0');
const withCommas = (value: number): string =>
  String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
