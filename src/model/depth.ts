import type { Json } from './event.ts';

/** Real values have a dozen levels. What walks over one calls itself, and thousands would be more than it can. */
const MAX_LEVELS = 200;

/** A value as it is; with the levels below cut off where it has more than anyone can walk over. */
export const shallow = <Value extends Json>(value: Value): Value =>
  isDeep(value, MAX_LEVELS) ? (cutBelow(value, MAX_LEVELS) as Value) : value;

function isDeep(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeep(item, levels - 1));
  for (const key in value) if (isDeep(value[key]!, levels - 1)) return true;
  return false;
}

function cutBelow(value: Json, levels: number): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return '[cut: too deep]';
  if (Array.isArray(value)) return value.map((item) => cutBelow(item, levels - 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, cutBelow(item, levels - 1)]),
  );
}
