/** Linear-time regular expressions, as a bundle of its own: most rules have none. */
import { RE2JS } from 're2js';

/** @throws for one that is none */
export function compile(source: string): { test(text: string): boolean } {
  const pattern = RE2JS.compile(source);
  return { test: (text) => pattern.test(text) };
}
