/** The rule table for secrets. */
import { besideRules } from './besideRules.ts';
import { COMMAND_RULES, notReference } from './commandRules.ts';
import type { Finder, Rule, RuleGroup, Span } from './engine.ts';
import { createEngine } from './engine.ts';
import { DUMMY, GAP, keyedFinder } from './keyed.ts';

// Left of a token: no letter or digit, unless those are an escape (`\n`, `%3D`, `"`, a terminal colour).
const L = '(?<=^|[^A-Za-z0-9_]|\\\\[nrt]|%[0-9A-F]{2}|\\\\u[0-9a-f]{4}|\\[[\\d;]{0,9}m)';
const R = '(?![A-Za-z0-9])';

const hasDigit = (s: string): boolean => /\d/.test(s);

// Each: kind, literals, what stands there.
type Row = readonly [kind: string, literals: string, rest?: string];

// Prefixes that end in a separator and are followed by twelve characters or more.
const PREFIXED: readonly Row[] = [
  ['anthropic-key', 'sk-ant-'],
  [
    'openai-key',
    'sk-',
    '(?:(?:proj|svcacct|admin|service|or-v1|lf)-[\\w-]{16,}|[A-Za-z0-9]{20,}[\\w-]*)',
  ],
  ['stripe-key', 'sk_|rk_', '(?:live|test|prod)_[A-Za-z0-9]{10,}'],
  ['stripe-key', 'whsec_', '[\\w+/=-]{16,}'],
  ['github-token', 'ghp_|gho_|ghu_|ghs_|ghr_', '[A-Za-z0-9]{20,}'],
  ['github-token', 'github_pat_'],
  ['gitlab-token', 'glpat-|glrt-|gldt-|glptt-|glcbt-|glft-|glsoat-|glagent-', '[\\w.-]{16,}'],
  ['gcp-token', 'ya29.', '[\\w.-]{16,}'],
  ['gcp-secret', 'GOCSPX-'],
  ['slack-token', 'xoxb-|xoxp-|xoxa-|xoxr-|xoxs-|xoxe-|xoxc-|xoxd-|xoxe.xoxp-', '[\\w%-]{10,}'],
  ['slack-token', 'xapp-'],
  ['npm-token', 'npm_', '[A-Za-z0-9]{30,}'],
  ['pypi-token', 'pypi-', '(?:AgE[\\w-]{13,}|[A-Za-z0-9_]{32}[\\w-]*)'],
  ['huggingface-token', 'hf_', '[A-Za-z0-9]{20,}'],
  ['sendgrid-key', 'SG.', '[\\w-]{16,}\\.[\\w-]{16,}'],
  ['vault-token', 'hvs.|hvb.|hvr.'],
  ['age-key', 'AGE-SECRET-KEY-', '1[A-Z0-9]{40,}'],
  [
    'vendor-token',
    'dckr_pat_|dop_v1_|doo_v1_|shpat_|shpss_|shpca_|lin_api_|ntn_|rubygems_|figd_|pplx-|gsk_|xai-|r8_|tvly-|lsv2_pt_|sb_secret_|sbp_|phx_|PMAK-|NRAK-|dp.pt.|glsa_|sntrys_|cfut_|fm2_',
    '(?=[\\w+/=-]{0,40}\\d)[\\w+/=-]{20,}',
  ],
];

const OTHERS: readonly Row[] = [
  ['gcp-key', 'AIza', '[\\w-]{30,}'],
  ['vendor-token', 'ATATT3', '[\\w+/=-]{20,}'],
  ['twilio-key', 'SK', `[0-9a-f]{32}${R}`],
];

const toRule = ([kind, on, rest = '[\\w-]{16,}']: Row): Rule => ({
  kind,
  on,
  find: `${L}(?:${on.replaceAll('.', '\\.')})${rest}`,
  check: (s) => !DUMMY.test(s),
});

/** A private key, whole or cut off, as lines or with `\n` in it, also as pieces of quoted lines. */
const pem: Finder = (text, at, _hit, state) => {
  const head = /^-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/.exec(
    text.slice(at, at + 80),
  );
  if (!head) return [];
  const kind = 'private-key';
  const body = at + head[0].length;
  const next = (needle: string): number => {
    // Searched once per text, however many BEGINs there are.
    if ((state[needle] ?? -1) < body) {
      const found = text.indexOf(needle, body);
      state[needle] = found < 0 ? Number.POSITIVE_INFINITY : found;
    }
    return state[needle]!;
  };
  const end = next('-----END ');
  const whole = end < Math.min(body + 20000, next('-----BEGIN '));
  const content = text.slice(body, whole ? end : body + 20000);
  if (whole && !/["'`]/.test(content)) {
    const tail = /^-----END [A-Z0-9 ]{0,30}-----/.exec(text.slice(end, end + 60));
    return [{ start: at, end: end + (tail?.[0].length ?? 9), kind }];
  }
  // Lines in quotes, or no end in sight: the header, then every run that looks like a line of the key.
  const re =
    /(?:(?:\n|\\+n)[ \t]*\d{1,6}(?:\\+t|[\t→:|])|(?:\n|\\+n)[+>|-] ?|[A-Za-z0-9+/=]{16,}|[A-Za-z0-9+/]{2,}={0,2}(?=[\s\\]*(?:$|["'`]))|\s|\\+[nr]|[A-Z][A-Za-z-]{2,20}: [\w,-]{1,60})+/y;
  re.lastIndex = 0;
  const first = re.exec(content);
  const spans: Span[] = [{ start: at, end: body + (first?.[0].trimEnd().length ?? 0), kind }];
  if (whole) {
    const offset = first?.[0].length ?? 0;
    for (const m of content.slice(offset).matchAll(/[A-Za-z0-9+/]{24,}={0,2}/g)) {
      const start = body + offset + m.index;
      spans.push({ start, end: start + m[0].length, kind });
    }
  }
  return spans;
};

/** What a tool puts before a line: a number, the mark of a diff or a quotation, spaces. */
const BEFORE_LINE = '[^\\w\\n]{0,8}(?:\\d{1,6}[\\t:|→ ] ?)?';

/** The lines of a private key whose header is not there, up from its last line. */
const pemTail: Finder = (text, at) => {
  const tail = /^-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/.exec(text.slice(at, at + 80));
  if (!tail) return [];
  pemLine ??= new RegExp(`^${BEFORE_LINE}[A-Za-z0-9+/]{4,100}={0,2}\\r?\\n$`);
  const before = new RegExp(`\\n${BEFORE_LINE}$`).exec(text.slice(Math.max(0, at - 24), at))?.[0];
  let start = at - Math.max(0, (before?.length ?? 0) - 1);
  while (start > 0 && at - start < 20000) {
    const lines = text.slice(Math.max(0, start - 130), start);
    const line = lines.slice(lines.lastIndexOf('\n', lines.length - 2) + 1);
    if (!pemLine.test(line)) break;
    start -= line.length;
  }
  return at - start < 24 ? [] : [{ start, end: at + tail[0].length, kind: 'private-key' }];
};
let pemLine: RegExp | undefined;

const VENDOR_GROUPS: readonly RuleGroup[] = [
  { rules: PREFIXED.map(toRule), shape: ['[-_.]', '[\\w-]{12}'] },
  {
    rules: [
      ...OTHERS.map(toRule),
      {
        kind: 'aws-key',
        on: 'AKIA|ASIA|ABIA|ACCA',
        find: `${L}(A(?:[KSB]I|CC)A[A-Z0-9]{16})${R}(?:[\\s"',:;|]{1,12}([A-Za-z0-9/+]{40})(?![\\w/+=]))?`,
        check: (s) => !DUMMY.test(s),
      },
      {
        kind: 'jwt',
        on: 'eyJ',
        find: '(?<![\\w-](?<!\\\\[nrt]))eyJ[\\w-]{8,}\\.[\\w-]{8,}(?:\\.[\\w-]*){0,3}',
      },
      { kind: 'telegram-token', on: ':AA', find: '(?<=\\d{8,10}):AA[\\w-]{30,}' },
      { kind: 'private-key', on: '-----BEGIN ', find: pem },
      { kind: 'private-key', on: '-----END ', find: pemTail },
      {
        kind: 'azure-secret',
        on: 'Q~',
        back: 4,
        find: '(?<![\\w.~-])[\\w.~-]{3}\\dQ~[\\w.~-]{31,36}(?![\\w.~-])',
      },
    ],
  },
];
const vendors = createEngine(VENDOR_GROUPS);

/** The vendor kind of a value that is one secret as a whole. */
export const nameVendor = (value: string): string | undefined => {
  if (value.length > 4096) return undefined;
  const [span] = vendors.spans(value);
  return span && span.start === 0 && span.end === value.length ? span.kind : undefined;
};

const keyed = keyedFinder(nameVendor);

export const SECRET_RULES: readonly RuleGroup[] = [
  ...VENDOR_GROUPS,
  {
    ignoreCase: true,
    rules: [
      {
        kind: 'bearer',
        on: 'bearer',
        ahead: '(?:\\s|%20|\\+)',
        find: `[Bb](?:earer|EARER)(?:\\s{1,4}|%20|\\+)(?:\\\\*["'])?([A-Za-z0-9._~+/-]{8,}={0,2})`,
        check: (s) => (hasDigit(s) && /[A-Za-z]/.test(s)) || (s.length > 19 && !/[-./_]/.test(s)),
      },
      {
        kind: 'basic-auth',
        on: 'basic',
        ahead: '(?:\\s|%20)',
        find: '[Bb](?:asic|ASIC)(?:\\s{1,4}|%20)([A-Za-z0-9+/]{10,}={0,2})(?![\\w.-])',
        check: (s) =>
          s.length % 4 === 0 &&
          (/=$/.test(s) || (hasDigit(s) && /[A-Z]/.test(s) && /[a-z]/.test(s))),
      },
      {
        kind: 'signature',
        on: 'sig=|signature=',
        find: '(?<=[?&;6-])[Ss]ig(?:nature)?=([\\w%+/=-]{20,})',
      },
      {
        kind: 'keyed',
        on: 'pass|pwd|secret|token|key|cred|auth|cookie|jwt|_pat|conn|database|dsn|_url|_pw',
        // Tokens in the plural are a model's, and stand in every second event.
        ahead: `(?!s\\b(?<=tokens))[\\w.-]{0,40}[\\\\"'\`\\]?!]{0,260}${GAP}[^\\S\\n]{0,8}(?:[:=>?+|：＝]|[,(]\\s{0,8}[A-Za-z]?\\\\*["'\`])`,
        find: keyed,
      },
      {
        kind: 'keyed',
        on: '-password |-passwd |-pass |-token |-secret |-key |password |passphrase |requirepass ',
        find: keyed,
      },
    ],
  },
  {
    rules: [
      {
        kind: 'webhook',
        on: '://|:\\/\\/',
        find: ':\\\\?/\\\\?/(?:hooks\\.slack\\.com\\\\?/(?:services|workflows|triggers)\\\\?/((?:[\\w-]|\\\\?/){20,200})|discord(?:app)?\\.com/api/webhooks/(\\d{10,25}/[\\w-]{30,100}))',
      },
      {
        // A user's name that no user chose, and the password after it.
        kind: 'url-password',
        on: '://|:\\/\\/|:\\\\/\\\\/',
        find: ':(?:\\\\*/){2}(?=\\w*\\d\\w*\\d)(?=\\w*[A-Za-z])(\\w{20,255})(?::([^\\s:/"\'`<>\\\\@]{1,256}))?@(?=[\\w.[$-])',
        check: notReference,
      },
      {
        kind: 'url-password',
        on: '://|:\\/\\/|:\\\\/\\\\/',
        find:
          '(?:(?<=postgres|postgresql|mysql|mariadb|mongodb|\\+srv|rediss?|amqps?|mssql|sqlserver|\\+\\w{1,12}):(?:\\\\*/){2}' +
          '[^\\s:@/"\'`<>\\\\{}[]{0,128}:([^\\s"\'`<>\\\\]{1,256})|' +
          ':(?:\\\\*/){2}[^\\s:@/"\'`<>\\\\(){}[]{0,128}:([^\\s/"\'`<>\\\\]{1,256}))@(?=[\\w.[$-])',
        check: notReference,
      },
      ...COMMAND_RULES,
      ...besideRules(nameVendor),
    ],
  },
];
