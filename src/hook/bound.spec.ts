import { expect, test } from 'vitest';
import type { JsonObject } from '../model/event.ts';
import { redactValue } from '../redact/redact.ts';
import { bounded } from './bound.ts';

const TOKEN = `gh${'p_'}${'aB3dE5gH7jK9'.repeat(3)}`;
const HALF = TOKEN.slice(0, 12);

/** The text is so long that it is cut somewhere in the token, for every place in the token. */
const cuts = (before: string, after: string): string[] =>
  Array.from({ length: TOKEN.length }, (_, at) => {
    const fill = before.repeat(Math.ceil(98_304 / before.length)).slice(0, 98_304 - at - 20);
    return `${fill}${after}`.padEnd(200_000, after);
  });

test.each([
  ['minified JSON', '{"a":"b","c":[1,2]},', `{"k":"${TOKEN}","l":1},`],
  ['lines', 'some words of a text\n', `see ${TOKEN} there\n`],
  ['one long word', 'abcdefgh/', `:${TOKEN}:`],
  ['a query', 'a=b&c=d&', `;${TOKEN}&`],
])('no half of a secret is left where %s is cut', (_what, before, after) => {
  for (const content of cuts(before, after)) {
    const kept = bounded({ tool_input: { content } });
    expect(JSON.stringify(kept).length).toBeLessThan(150_000);
    const clean = redactValue(kept, {}) as JsonObject;
    expect(JSON.stringify(clean).indexOf(HALF)).toBe(-1);
  }
});
