/** Regular expressions of rules: RE2, in linear time. Heavy: loaded only where a rule has one. */
import { RE2JS } from 're2js';

/** Longest source, characters. */
const MAX_SOURCE = 1000;

/** What is wrong with a regular expression; undefined: nothing. */
export function regexProblem(source: string): string | undefined {
  if (source.length > MAX_SOURCE) return `it is longer than ${MAX_SOURCE} characters`;
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n', 1);
    return line.replace(/^error parsing regexp: /, '').slice(0, 200);
  }
}

/**
 * Finds a regular expression in texts, in time linear to their length.
 *
 * @throws where it is none: see {@link regexProblem}
 */
export function regexOf(source: string): { test(text: string): boolean } {
  const compiled = RE2JS.compile(source);
  return { test: (text) => compiled.matcher(text).find() };
}
