import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RedactionCounts, redactText, redactValue } from './redact.ts';

const clean = (text: string): string => redactText(text, {});
const chars = (n: number, set = 'aB3dE5gH7jK9'): string => set.repeat(n).slice(0, n);

const GITHUB = `gh${'p_'}${chars(36)}`;
const OPENAI = `sk${'-proj-'}${chars(48)}`;
const JWT = `ey${'J'}${chars(20)}.ey${'J'}${chars(30)}.${chars(43)}`;
const PEM = `-----BEGIN ${'PRIVATE'} KEY-----\n${chars(64)}\n${chars(64)}\n-----END ${'PRIVATE'} KEY-----`;

describe('redactText', () => {
  test('names what it took and counts it by kind', () => {
    const counts: RedactionCounts = { jwt: 2 };
    expect(redactText(`a ${GITHUB} b ${GITHUB}\n${JWT}`, counts)).toBe(
      'a [REDACTED:github-token] b [REDACTED:github-token]\n[REDACTED:jwt]',
    );
    expect(counts).toEqual({ 'github-token': 2, jwt: 3 });
  });

  test('a vendor is named also where the name beside it would do', () => {
    expect(clean(`OPENAI_API_KEY=${OPENAI}`)).toBe('OPENAI_API_KEY=[REDACTED:openai-key]');
    expect(clean(`{"private_key":${JSON.stringify(PEM)}}`)).toBe(
      '{"private_key":"[REDACTED:private-key]"}',
    );
  });

  test('leaves everything in a JSON document but the secret as it was', () => {
    const text = `{ "n": 12345678901234567890, "e": 1.0e+2 , "n": "\\u00e9\\/",\n "password" : "hunter2" }`;
    expect(clean(text)).toBe(text.replace('hunter2', '[REDACTED:password]'));
  });

  test('reads escaped JSON in JSON in JSON', () => {
    let text = JSON.stringify({ api_key: chars(24), keep: 1 });
    for (let i = 0; i < 5; i++) text = JSON.stringify({ body: text });
    let out: unknown = clean(text);
    for (let i = 0; i < 5; i++) out = (JSON.parse(out as string) as { body: string }).body;
    expect(JSON.parse(out as string)).toEqual({ api_key: '[REDACTED:api-key]', keep: 1 });
  });

  test('escaped JSON in text that is no JSON stays valid', () => {
    const inner = JSON.stringify({ a: `x" ${GITHUB}`, password: 'it\'s "quoted" \\ ok', b: [1] });
    const text = `output: ${JSON.stringify(inner)} -- end`;
    const out = clean(text);
    expect(JSON.parse(JSON.parse(out.slice(8, -7)) as string)).toEqual({
      a: 'x" [REDACTED:github-token]',
      password: '[REDACTED:password]',
      b: [1],
    });
  });

  test('a JSON number under a secret name becomes a string, in JSON and in text', () => {
    expect(clean('{"password": 12345678}')).toBe('{"password": "[REDACTED:password]"}');
    expect(clean('got {"password": 12345678} ok')).toBe(
      'got {"password": "[REDACTED:password]"} ok',
    );
  });

  test('an escape is not cut: newline and "pm_" is no npm token', () => {
    const text = `x "a\\npm_${chars(36)}" y`;
    expect(clean(text)).toBe(text);
  });

  test('keeps characters outside the BMP whole around and inside secrets', () => {
    expect(clean(`🔑${GITHUB}🔑`)).toBe('🔑[REDACTED:github-token]🔑');
    expect(clean('PASSWORD=🔑🔑🔑x1 🔑')).toBe('PASSWORD=[REDACTED:password] 🔑');
    expect(clean('password: "🔑🔑"')).toBe('password: "[REDACTED:password]"');
  });

  test('what was taken once is not taken again', () => {
    const text =
      'password=[REDACTED:password] "token": "[REDACTED:jwt]" [REDACTED:token]: abc12345';
    const counts: RedactionCounts = {};
    expect(redactText(text, counts)).toBe(text);
    expect(counts).toEqual({});
  });

  test('lines of NDJSON are each read as JSON, text between them as text', () => {
    const lines = ['{"token": 1234567890}', `log ${GITHUB}`, '[{"password":"a\\"b1"}]'];
    expect(clean(lines.join('\n'))).toBe(
      [
        '{"token": "[REDACTED:token]"}',
        'log [REDACTED:github-token]',
        '[{"password":"[REDACTED:password]"}]',
      ].join('\n'),
    );
  });
});

describe('redactValue', () => {
  test('copies, and takes what stands under secret names', () => {
    const value = {
      user: 'bob',
      password: 'hunter2',
      pin: 4,
      passwords: ['abc', 'def', 7, null, true],
      DB_PASSWORD: 12345678,
      stripeSecretKey: chars(24),
      'X-Api-Key': chars(24),
      headers: { Authorization: `Bearer ${chars(30)}`, Cookie: `sid=${chars(20)}` },
      credentials: { user: 'bob', key: chars(24) },
      usage: { input_tokens: 123456789, max_tokens: 8192 },
      token: null,
      secret: true,
      password2: '',
    };
    const before = structuredClone(value);
    const counts: RedactionCounts = {};
    expect(redactValue(value, counts)).toEqual({
      user: 'bob',
      password: '[REDACTED:password]',
      pin: 4,
      passwords: ['[REDACTED:password]', '[REDACTED:password]', 7, null, true],
      DB_PASSWORD: '[REDACTED:password]',
      stripeSecretKey: '[REDACTED:private-key]',
      'X-Api-Key': '[REDACTED:api-key]',
      headers: {
        Authorization: 'Bearer [REDACTED:authorization]',
        Cookie: '[REDACTED:cookie]',
      },
      credentials: { user: 'bob', key: '[REDACTED:credential]' },
      usage: { input_tokens: 123456789, max_tokens: 8192 },
      token: null,
      secret: true,
      password2: '',
    });
    expect(value).toEqual(before);
    expect(Object.values(counts).reduce((a, b) => a + b)).toBe(9);
  });

  test('finds names that stand beside the value', () => {
    expect(redactValue({ name: 'DB_PASSWORD', value: 'x1y2z3' }, {})).toEqual({
      name: 'DB_PASSWORD',
      value: '[REDACTED:password]',
    });
    expect(redactValue(['tool', '--token', 'abcdef1234', 'keep'], {})).toEqual([
      'tool',
      '--token',
      '[REDACTED:token]',
      'keep',
    ]);
  });

  test('takes secrets in names and loses no value where two become one', () => {
    const out = redactValue({ [GITHUB]: 1, [`${GITHUB}x`]: 2 }, {}) as object;
    expect(Object.values(out)).toEqual([1, 2]);
    expect(JSON.stringify(out)).not.toContain(GITHUB);
  });

  test('survives cycles, depth, strange values and names', () => {
    const loop: Record<string, unknown> = { a: 1 };
    loop.self = loop;
    expect(redactValue(loop, {})).toEqual({ a: 1, self: '[Circular]' });

    let deep: unknown = 'x';
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(JSON.stringify(redactValue(deep, {}))).toContain('[Too deep]');

    const strange = {
      big: 12n,
      date: new Date(0),
      fn: () => 1,
      none: undefined,
      list: [undefined, Symbol('x')],
      get bad(): never {
        throw new Error('no');
      },
    };
    expect(() => JSON.stringify(redactValue(strange, {}))).not.toThrow();
    expect(redactValue({ big: 12n, date: new Date(0), list: [undefined] }, {})).toEqual({
      big: '12',
      date: '1970-01-01T00:00:00.000Z',
      list: [null],
    });
    const proto = redactValue(JSON.parse('{"__proto__":{"x":1}}'), {}) as object;
    expect(Object.getPrototypeOf(proto)).toBe(Object.prototype);
    expect(JSON.stringify(proto)).toBe('{"__proto__":{"x":1}}');
  });

  test('the same object twice is no cycle', () => {
    const shared = { a: 1 };
    expect(redactValue([shared, shared], {})).toEqual([{ a: 1 }, { a: 1 }]);
  });
});

// Pieces that make rules begin, end, nest and collide.
const piece = fc.oneof(
  fc.constantFrom(
    ...['password=', 'password: ', '"token":', "'secret': '", 'API_KEY="', '\\"api_key\\": \\"'],
    ...['Authorization: Bearer ', 'Cookie: a=', '--token ', ' -u ', 'curl', 'mysql -p', '://a:b@c'],
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      "'",
      '`',
      '\\',
      '\\\\',
      '\\"',
      '\\n',
      '\n',
      ' ',
      '=',
      '@',
    ],
    ...[
      '[REDACTED:jwt]',
      '[REDACTED:',
      'sk-',
      'eyJ',
      '.',
      '-----BEGIN ',
      '-----END ',
      '<password>',
    ],
    ...[GITHUB, OPENAI, JWT, PEM, chars(20), 'hunter2', 'true', '12345678', '$X', '🔑', '\ud83d'],
  ),
  fc.string({ maxLength: 6, unit: 'binary' }),
);
const soup = fc.array(piece, { maxLength: 24 }).map((parts) => parts.join(''));
const key = fc.oneof(
  fc.constantFrom('password', 'token', 'name', 'value', 'auth', 'cookie', 'credentials', 'x'),
  piece,
);
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    soup,
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(87654321),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    tie('value').map((v) => JSON.stringify(v)),
  ),
})).value;

const wellFormed = (text: string): boolean =>
  !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

const RUNS = { numRuns: 1500 };

describe('always', () => {
  test('redacting twice is redacting once', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const once = clean(text);
        expect(clean(once)).toBe(once);
      }),
      RUNS,
    );
  });

  test('a JSON document stays one of the same shape, at any indent', () => {
    const shape = (v: unknown): unknown =>
      Array.isArray(v)
        ? v.map(shape)
        : v && typeof v === 'object'
          ? Object.values(v).map(shape)
          : typeof v === 'boolean' || v === null
            ? v
            : 0;
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent) ?? 'null';
        const out = clean(text);
        // Names with secrets may become one; compare only where they stay apart.
        if (!out.includes('[REDACTED:')) expect(out).toBe(text);
        const parsed: unknown = JSON.parse(out);
        if (out.split('":').length === text.split('":').length && !/\]"\s?:/.test(out)) {
          expect(shape(parsed)).toEqual(shape(JSON.parse(text)));
        }
      }),
      RUNS,
    );
  });

  test('a JSON document in the middle of text stays valid', () => {
    const plain = fc.record({
      a: fc.constantFrom('x', GITHUB, 'password=hunter2', "P='a b' c", 'say "hi"', '\\d+\\n'),
      password: fc.constantFrom('hunter2', 'it\'s "q"', 'a\\b', "x'y", 'two\nlines1', 12345678),
      api_key: fc.constantFrom(chars(24), `"${chars(10)}"`, `${chars(9)}\\`, null, true, [
        'a1b2c3d4',
      ]),
      z: fc.constantFrom(
        `Authorization: Bearer ${chars(30)}`,
        'Cookie: sid=abc123def',
        "--token 'x",
        1,
      ),
    });
    fc.assert(
      fc.property(plain, fc.integer({ min: 0, max: 3 }), (value, layers) => {
        let text = JSON.stringify(value);
        for (let i = 0; i < layers; i++) text = JSON.stringify(text);
        let out: unknown = clean(`Result: ${text} (done)`).slice(8, -7);
        for (let i = 0; i <= layers; i++) out = JSON.parse(out as string);
        expect(Object.keys(out as object)).toEqual(Object.keys(value));
      }),
      RUNS,
    );
  });

  test('no character is split and the counts are the markers', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const counts: RedactionCounts = {};
        const out = redactText(text, counts);
        if (wellFormed(text)) expect(wellFormed(out)).toBe(true);
        if (!text.includes('[REDACTED:')) {
          const sum = Object.values(counts).reduce((a, b) => a + b, 0);
          expect(out.split('[REDACTED:').length - 1).toBe(sum);
        }
      }),
      RUNS,
    );
  });

  test('redactValue gives JSON, of anything', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }),
        (v) => {
          const out = redactValue(v, {});
          const text = JSON.stringify(out);
          if (text !== undefined) JSON.parse(text);
        },
      ),
      RUNS,
    );
  });

  test('redactValue twice is once', () => {
    fc.assert(
      fc.property(json, (value) => {
        const once = redactValue(value, {});
        expect(redactValue(once, {})).toEqual(once);
      }),
      RUNS,
    );
  });
});

describe('hostile texts take time in proportion to their length', () => {
  const hostile: Record<string, string> = {
    letters: 'a',
    'begin, no end': '-----BEGIN ',
    'private key, no end': `-----BEGIN ${'PRIVATE'} KEY-----`,
    'private key lines': `-----BEGIN ${'PRIVATE'} KEY-----\n`,
    'jwt heads': 'eyJ.',
    'jwt run': 'eyJ',
    'jwt words': 'eyJaaaaaaaaa ',
    assignments: 'password=',
    'spaced assignments': 'password = ',
    'open quotes': 'password="',
    'open single quotes': "password='",
    'escaped quotes': 'password=\\"',
    'mixed quotes': 'password="password=\'password=`',
    'deep quotes': 'token: \\\\\\"a\\" ',
    backslashes: '\\',
    'backslashes and quotes': 'secret="\\\\\\',
    'names only': 'token',
    'dotted names': 'token.',
    urls: '://',
    'urls with users': '://a:b',
    'urls with at': 'redis://:@@@',
    'openai heads': 'sk-',
    'github heads': 'ghp_',
    'separator runs': '-_.',
    dashes: '-',
    markers: '[REDACTED:',
    'flags -p': ' -p',
    'mysql flags': 'mysql -pa ',
    'curl flags': 'curl -u ',
    'xml names': '<password>',
    'open arrays': '[',
    'open objects': '{"a":',
    'json lines': '{"token":1}\n',
    'json-like lines': '[token=\n',
    spaces: ' ',
    newlines: '\n',
    'space in line': '\n ',
    cookies: 'Cookie: ',
    'type annotations': 'token: a.b',
    'bearer words': 'bearer ',
    'signature words': '&sig=',
    'query dots': 'Q~',
    surrogates: '🔑',
    'connection strings': 'Password=a;',
    'table cells': '| password ',
    'table rows': '| password | x1y2z3',
    'yaml blocks': 'password: |\n ',
    'yaml block lines': 'password: |\n  x1y2z3a4\n  b',
    'named values': 'name: password\nvalue: ',
    values: 'value=',
    'html values': 'name="token" value="',
    'piped passwords': 'root:x | chpasswd',
    'htpasswd flags': 'htpasswd -b a b c ',
    'private key ends': `-----END ${'PRIVATE'} KEY-----\n`,
    'private key tails': `${chars(64)}\n${chars(64)}\n-----END ${'PRIVATE'} KEY-----\n`,
    'terraform variables': 'variable "password" {\n',
    'terraform defaults': 'variable "password" { default = ',
    'pgpass lines': '*:*:*:',
    'sql users': 'IDENTIFIED BY ',
    'url users': `://${chars(40)}`,
    'colours after names': 'password\u001b[m',
    colours: '\u001b[01;31m',
    'bold names': '**password**',
    'key words': 'api key ',
    'environment lines': 'ENV A ',
  };
  const time = (text: string): number => {
    // Of this process alone: a busy machine must not look like a slow expression.
    const from = process.cpuUsage().user;
    redactText(text, {});
    return (process.cpuUsage().user - from) / 1000;
  };
  test.each(Object.entries(hostile))(
    '%s',
    (_name, unit) => {
      const of = (n: number): string => unit.repeat(Math.ceil(n / unit.length));
      clean(of(2000));
      // Linear would be 4, quadratic 16. Below a few ms there is only noise; one bad measurement is forgiven.
      const ratio = (): number => time(of(1_000_000)) / Math.max(time(of(250_000)), 4);
      const first = ratio();
      expect(first < 10 ? first : ratio()).toBeLessThan(10);
    },
    20_000,
  );
});
