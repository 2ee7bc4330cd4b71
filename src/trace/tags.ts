import { readMeta } from './meta.ts';
import type { SessionEntry } from './store.ts';

/** Of a tag that a command is given: without the sign that it has in a name. */
export const bareTag = (tag: string): string => tag.replace(/^#/, '').trim().toLowerCase();

/**
 * Whether a session has a tag: its name is it, or has it as a word with `#`; or its meta.json has it as `team` or among
 * `tags`. A person gives names, so that most tags are words like `#baseline` in one.
 *
 * @param tag as of {@link bareTag}
 * @param name that the person gave it
 */
export function hasTag(entry: SessionEntry, tag: string, name: string | undefined): boolean {
  if (tag === '') return false;
  if (name !== undefined && (bareTag(name) === tag || tagsIn(name).includes(tag))) return true;
  const meta = readMeta(entry);
  if (!meta) return false;
  const { team, tags } = meta;
  if (typeof team === 'string' && bareTag(team) === tag) return true;
  return Array.isArray(tags) && tags.some((one) => typeof one === 'string' && bareTag(one) === tag);
}

/** The words with `#` in a text, in lower case and without it. */
const tagsIn = (text: string): string[] =>
  Array.from(text.matchAll(/(?:^|\s)#([\p{L}\p{N}][\p{L}\p{N}_./-]*)/gu), ([, tag = '']) =>
    tag.toLowerCase(),
  );
