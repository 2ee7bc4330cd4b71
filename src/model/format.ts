/** Numbers as people read them, the same in the status bar, the pages and the terminal. */

const NANO = 1e9;
export const MISSING = '–';

/** `$4.37` from $1 up, `$0.0312` below, `$0.00` for zero, `$1,204` from $1,000. */
export function formatUsd(nanoUsd: number, options: { estimate?: boolean } = {}): string {
  const sign = nanoUsd < 0 ? '−' : '';
  const usd = Math.abs(nanoUsd) / NANO;
  let digits: string;
  if (usd === 0) digits = '0.00';
  else if (usd < 0.99995) digits = usd < 0.00005 ? '0.0001' : usd.toFixed(4);
  else if (usd < 999.995) digits = usd.toFixed(2);
  else digits = withCommas(Math.round(usd));
  const less = usd > 0 && usd < 0.00005 ? '<' : '';
  return `${options.estimate === true ? '~' : ''}${less}${sign}$${digits}`;
}

/** `<0.1s`, `0.3s`, `12s`, `8m 41s`, `2h 05m`. Milliseconds in. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return MISSING;
  const seconds = ms / 1000;
  if (seconds < 0.05) return '<0.1s';
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m ${pad2(whole % 60)}s`;
  return `${Math.floor(minutes / 60)}h ${pad2(minutes % 60)}m`;
}

/** `3:42`, above an hour `1:03:42`. Milliseconds in. */
export function formatClock(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0
    ? `${hours}:${pad2(minutes)}:${pad2(whole % 60)}`
    : `${minutes}:${pad2(whole % 60)}`;
}

/** `9,999` in full, then `12.4k`, `1.3M`. */
export function formatCount(value: number): string {
  return value < 10_000 ? withCommas(value) : compact(value);
}

/** Tokens, always compact: `812`, `142k`, `1.3M`. */
export function formatTokens(value: number): string {
  if (value < 1000) return String(value);
  if (value < 9950) return `${trimZero((value / 1000).toFixed(1))}k`;
  return value < 999_500 ? `${Math.round(value / 1000)}k` : compact(value);
}

/** `1 call`, `2 calls`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

function compact(value: number): string {
  if (value < 999_950) return `${trimZero((value / 1000).toFixed(1))}k`;
  if (value < 999_950_000) return `${trimZero((value / 1e6).toFixed(1))}M`;
  return `${trimZero((value / 1e9).toFixed(1))}B`;
}

const trimZero = (digits: string): string => digits.replace(/\.0$/, '');
const pad2 = (value: number): string => String(value).padStart(2, '0');
const withCommas = (value: number): string =>
  String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
