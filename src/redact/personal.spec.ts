/**
 * Recall and precision of the mask over the corpus in test/fixtures/redact/personal-*.ndjson. In a text,
 * `⟦…⟧` stands around what must go; everything else must stay, to the letter. A look-alike has none.
 *
 * The `tune` half was written before the rules. The `held` half came after them and not from their author:
 * positives from faker and from the example numbers of libphonenumber, look-alikes drawn at random from the files
 * of a machine. At first sight: recall 0.986 (145), precision 0.966 (194).
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as personalRules from './personalRules.ts';
import { type RedactionCounts, redactText, redactValue, usePersonalRules } from './redact.ts';

usePersonalRules(personalRules);

interface Entry {
  readonly set: 'tune' | 'held';
  readonly kind?: string;
  readonly context: string;
  readonly text: string;
}

const load = (name: string): Entry[] =>
  readFileSync(
    new URL(`../../test/fixtures/redact/personal-${name}.ndjson`, import.meta.url),
    'utf8',
  )
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);

const positives = load('positives');
const lookalikes = load('lookalikes');

const MARKED = /⟦([^⟧]*)⟧/g;
const textOf = ({ text }: Entry): string => text.replace(MARKED, '$1');
const partsOf = ({ text }: Entry): string[] => [...text.matchAll(MARKED)].map((m) => m[1]!);
const mask = (text: string): string => redactText(text, {}, 'personal');

/** Markers of any kind as one sign (a bare JSON number gets quotes around it). */
const shape = (text: string): string =>
  text.replace(/"?\[REDACTED:[\w-]+\]"?/g, '∎').replace(/"?∎"?/g, '∎');

const measure = (set?: Entry['set']) => {
  const misses: string[] = [];
  let found = 0;
  let wrong = 0;
  const takes = positives.filter((e) => set === undefined || e.set === set);
  const leaves = lookalikes.filter((e) => set === undefined || e.set === set);
  for (const e of takes) {
    const out = mask(textOf(e));
    const left = partsOf(e).some((part) => out.includes(part));
    if (!left) found++;
    else misses.push(`missed  ${e.kind}: ${JSON.stringify(out)}`);
    if (!left && shape(out) !== shape(e.text.replace(MARKED, '[REDACTED:x]'))) {
      wrong++;
      misses.push(`took other  ${e.kind}: ${JSON.stringify(e.text)} → ${JSON.stringify(out)}`);
    }
  }
  for (const e of leaves) {
    const out = mask(e.text);
    if (out === e.text) continue;
    wrong++;
    misses.push(`look-alike  ${e.context}: ${JSON.stringify(e.text)} → ${JSON.stringify(out)}`);
  }
  const recall = found / takes.length;
  const precision = found / (found + wrong);
  const line = `recall ${recall.toFixed(3)} (${takes.length}), precision ${precision.toFixed(3)} (${leaves.length} look-alikes)`;
  return { recall, precision, line, misses };
};

test('the corpus is as large as it claims, and each line of it can fail', () => {
  expect(positives.length).toBeGreaterThanOrEqual(150);
  expect(lookalikes.length).toBeGreaterThanOrEqual(250);
  for (const e of positives) expect(partsOf(e).length, e.text).toBeGreaterThan(0);
  // Without the mask nothing of it goes: no rule for secrets finds what these rules are measured by.
  const found = positives.filter((e) => redactText(textOf(e), {}) !== textOf(e));
  expect(found).toEqual([]);
});

test('recall and precision over the corpus', () => {
  const { recall, precision, line, misses } = measure();
  console.log(
    [
      `mask corpus: ${line}`,
      `  of which not from the rules' author (0.986 and 0.966 at first sight): ${measure('held').line}`,
      ...misses,
    ].join('\n'),
  );
  expect(recall).toBeGreaterThanOrEqual(0.98);
  expect(precision).toBeGreaterThanOrEqual(0.98);
});

test.each(positives)('$kind is named, counted, and stays gone: $text', (e) => {
  const counts: RedactionCounts = {};
  const text = textOf(e);
  const once = redactText(text, counts, 'personal');
  expect(mask(once)).toBe(once);
  const marks = once.split('[REDACTED:').length - 1;
  expect(Object.values(counts).reduce((a, b) => a + b, 0)).toBe(marks);
});

test('a value is known by its name: nothing else about it tells', () => {
  const counts: RedactionCounts = {};
  const text =
    '{"phone":5551234567,"ssn":457555462,"id":5551234567,"n":[{"mobile":["601234567"]}]}';
  expect(redactText(text, counts, 'personal')).toBe(
    '{"phone":"[REDACTED:phone]","ssn":"[REDACTED:ssn]","id":5551234567,"n":[{"mobile":["[REDACTED:phone]"]}]}',
  );
  expect(counts).toEqual({ phone: 2, ssn: 1 });
});

test('secrets go as well, and an address in them is theirs', () => {
  const url = `postgres://app:${'s3cretPa'}55@db.acme-corp.com/x, ask jane@acme-corp.com`;
  expect(mask(url)).toBe(
    'postgres://app:[REDACTED:url-password]@db.acme-corp.com/x, ask [REDACTED:email]',
  );
});

test('an address that was cut for want of room goes too', () => {
  expect(mask('Write to jane.doe@acme-co…')).toBe('Write to [REDACTED:email]…');
});

describe('hostile texts take time in proportion to their length', () => {
  const hostile = `@|a@|a@a|a.|a@a.|a@a.a@|%40|a%40a.|1|1 |1-|1.|(1|(|+|+1|+1 |(1) |1(1)|0171 |555-|4111|4111 1111 |1.1.1.|255.255.|2001:|2001::|f|fe80:|DE89|DE89 3704 |DE|arn:aws:|arn:aws:iam::|\\n1|phone: |phone: 1|tel|000-00-|\u00a01|é|é@|ssh a@a.com |{"phone":1}\n|//1`;
  const time = (text: string): number => {
    const from = process.cpuUsage().user;
    mask(text);
    return (process.cpuUsage().user - from) / 1000;
  };
  test.each(hostile.split('|'))('%s', { timeout: 20_000 }, (unit) => {
    const of = (n: number): string => unit.repeat(Math.ceil(n / unit.length));
    mask(of(2000));
    // Linear would be 4, quadratic 16. Below a few ms there is only noise; one bad measurement is forgiven.
    const ratio = (): number => time(of(400_000)) / Math.max(time(of(100_000)), 4);
    const first = ratio();
    expect(first < 10 ? first : ratio()).toBeLessThan(10);
  });
});

test('whatever it is given: JSON stays JSON, and what is masked stays', () => {
  const pieces = [
    'jane@acme.com',
    '+49 171 1234567',
    '203.0.113.7',
    '457-55-5462',
    '4111111111111111',
  ];
  const signs = [
    '(',
    ')',
    ' ',
    '-',
    '.',
    '@',
    ':',
    '\\',
    '"',
    '\n',
    '1',
    '0',
    'a',
    '{',
    '}',
    ']',
    'é',
  ];
  const piece = fc.constantFrom(...pieces, ...signs, '[REDACTED:', '\ud83d');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (parts) => {
      const text = parts.join('');
      const once = mask(text);
      expect(mask(once)).toBe(once);
      const value = { a: text, [text]: [text] };
      const out = redactValue(value, {}, 'personal');
      expect(JSON.parse(JSON.stringify(out))).toEqual(out);
      JSON.parse(mask(JSON.stringify(value)));
    }),
    { numRuns: 1500 },
  );
});
