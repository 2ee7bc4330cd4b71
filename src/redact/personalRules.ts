/**
 * The rule table for personal data (`--mask`): what can be known by its form. Names of people cannot.
 * Numbers have one finder: a run of digits is a card, a phone, an address or nothing, never two of them.
 */
import type { Finder, Rule, RuleGroup, Span } from './engine.ts';

const NONE: readonly Span[] = [];

const sticky = (source: string): ((text: string, at: number) => RegExpExecArray | null) => {
  let re: RegExp | undefined;
  return (text, at) => {
    re ??= new RegExp(source, 'dy');
    re.lastIndex = at;
    return re.exec(text);
  };
};

// ---- e-mail

/** Endings that look like a domain's and are of files, of services, or of names inside one network. */
const NO_DOMAIN =
  /\.(?:png|jpe?g|gif|svg|webp|avif|ico|m?js|cjs|tsx?|jsx|json|s?css|less|html?|xml|ya?ml|toml|lock|txt|csv|log|exe|dll|tgz|gz|tar|jar|java|kt|go|cpp|hpp|swift|vue|local|localdomain|localhost|internal|intranet|lan|service|socket|timer|mount|slice|scope|target)$/i;
/** Nobody's mailbox, accounts that every host has, and words of Kotlin. */
const NOBODY =
  /^(?:git|hg|svn|no[-_.]?reply|do[-_.]?not[-_.]?reply|mailer-daemon|this|super|return|break|continue)$/i;
const domain = sticky(
  '(?:@|%40)((?:[A-Za-z0-9\u00c0-\u024f](?:[\\w\u00c0-\u024f-]{0,62})\\.){1,8}(?:[A-Za-z]{2,24}|xn--[\\w-]{2,59})(?![A-Za-z0-9\u00c0-\u024f(@-])|[A-Za-z0-9][\\w.-]{0,62}(?=…))',
);

const email: Finder = (text, at) => {
  const m = domain(text, at);
  if (!m || NO_DOMAIN.test(m[1]!) || /^v?\d+\.\d/.test(m[1]!)) return NONE;
  const before = text.slice(Math.max(0, at - 80), at);
  let local = /[A-Za-z0-9_\u00c0-\u024f](?:[\w.+'\u00c0-\u024f-]{0,63})$/.exec(before)?.[0] ?? '';
  // What an escape leaves: `\n`, `\u003c`, `%3C`.
  const lead = before.slice(0, before.length - local.length);
  const left = lead.endsWith('\\')
    ? /^(?:u[0-9a-fA-F]{4}|[bfnrt])/
    : lead.endsWith('%')
      ? /^[0-9A-F]{2}/
      : /^'/;
  local = local.replace(left, '');
  if (local === '' || NOBODY.test(local) || lead.endsWith('://')) return NONE;
  const end = at + m[0].length;
  // An account on a machine.
  const line = text.slice(Math.max(0, at - 200), at);
  if (/\b(?:ssh|scp|sftp|rsync|mosh)\b[^\n|;&]*$/.test(line)) return NONE;
  if (/^:[~/]/.test(text.slice(end, end + 2))) return NONE;
  return [{ start: at - local.length, end, kind: 'email' }];
};

// ---- numbers

const onlyDigits = (text: string): string => text.replace(/\D/g, '');

const luhn = (digits: string): boolean => {
  let sum = 0;
  for (let i = digits.length - 1, twice = false; i >= 0; i--, twice = !twice) {
    const n = Number(digits[i]) * (twice ? 2 : 1);
    sum += n > 9 ? n - 9 : n;
  }
  return sum % 10 === 0;
};

/** Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay. */
const ISSUER =
  /^(?:4\d{15}|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12,14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14})$/;
const CARD_GROUPS = /^(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5})$/;
const isCard = (text: string): boolean => {
  const digits = onlyDigits(text);
  const size = digits.length;
  // The pattern of Mastercard's prefixes is of two lengths; all its cards have 16.
  return (
    (size === 16 || /^3/.test(digits)) &&
    CARD_GROUPS.test(text) &&
    ISSUER.test(digits) &&
    luhn(digits)
  );
};

const SSN = '(?!000|666|9)\\d{3}([ -]?)(?!00)\\d\\d\\1(?!0000)\\d{4}';
const isSsn = (text: string): boolean => new RegExp(`^${SSN}$`).test(text);

/** Calling codes of countries, but for +1 and +7 whose numbers have one length. */
const COUNTRY =
  /^(?:2(?:[07]|[1-689]\d)|3(?:[0-469]|[578]\d)|4(?:[013-9]|2\d)|5(?:[1-8]|[09]\d)|6(?:[0-6]|[7-9]\d)|8(?:[1246]|[05789]\d)|9(?:[0-58]|[679]\d))\d{6,12}$/;
// Exchanges do not begin with 1, but numbers that are made up do.
const NANP = /^1?[2-9]\d\d[1-9]\d{6}$/;
const isInternational = (digits: string): boolean =>
  (/^1/.test(digits) ? digits.length === 11 && NANP.test(digits) : false) ||
  (/^7/.test(digits) ? digits.length === 11 : false) ||
  (/^[2-689]/.test(digits) && digits.length >= 9 && digits.length <= 15 && COUNTRY.test(digits));

const TRUNK_DATE = /^\d{1,2}([-./])\d{1,2}\1(?:19|20)\d\d(?!\d)/;
/** National forms that need no word beside them. */
const isNational = (text: string): boolean => {
  const digits = onlyDigits(text);
  if (/^(?:1[-. ])?\(?[2-9]\d\d\)?[-. ]{1,2}\d{3}[-.]\d{4}$/.test(text)) return NANP.test(digits);
  if (/^1[3-9]\d([ -])\d{4}\1\d{4}$/.test(text)) return true;
  // A code in brackets, the rest in pieces.
  if (/^(?:8 ?)?\((?:0[1-9]\d{0,4}|\d{2,3})\) ?\d{2,5}(?:[ -]\d{2,5}){1,3}$/.test(text)) {
    return digits.length >= 9 && digits.length <= 12;
  }
  // With the zero of long distance.
  if (!/^0[1-9]\d{0,4}(?:[ ./-]\d{2,9}){1,4}$/.test(text) || TRUNK_DATE.test(text)) return false;
  if (digits.length < 9 || digits.length > 12 || /^\d{5}-\d{4}$/.test(text)) return false;
  const groups = text.split(/\D/);
  // Octal dumps; pairs are five, and of France.
  if (groups.every((group) => group.length === groups[0]!.length)) {
    return groups.length === 2 ? false : groups[0]!.length === 2 && groups.length === 5;
  }
  return groups.length > 2 || groups[0]!.length < 6;
};

const PHONE_WORD =
  '(?:tele?(?:phone|fon|fono|fone)?|téléphone|teléfono|phone(?:[ _-]?(?:number|num|no|nr))?|mobile?(?:[ _-]?(?:phone|number|no))?|mobil(?:nummer)?|mob|cell(?:[ _-]?phone|ulare|ular)?|handy(?:nummer)?|fax|msisdn|whatsapp|тел(?:ефон)?|電話(?:番号)?|电话|手机|전화)';
const PHONE_BEFORE = new RegExp(
  `(?:(?<![a-z])|(?<=[a-z_]))${PHONE_WORD}(?:;TYPE=\\w{1,10})?[\\s\\\\"':：=.>(,#]{1,8}$`,
  'i',
);
const SSN_BEFORE =
  /(?:\bssn|social[ _-]?security(?:[ _-]?(?:number|no))?|_ssn)[\s\\"':=.>(#]{1,8}$/i;

/** A number with a sign, and places on earth (`+5125-05707`). */
const NO_PHONE = /^\+(?:\d+\.\d+|\d{4}-\d{5}|\d{6}-\d{7})$/;

/** What a name says of a number or text that has no form of its own. */
export const personalByName = (name: string, value: string): string | undefined => {
  if (name.length > 40 || value.length > 40 || !/^[\d\s().+/-]{7,}$/.test(value)) return undefined;
  const digits = onlyDigits(value);
  if (digits.length < 7 || digits.length > 19) return undefined;
  if (/(?:^|_)ssn$|social_?security/i.test(name)) return isSsn(value) ? 'ssn' : undefined;
  if (/(?:card|^|_)(?:card|number|pan|cc)(?:_?(?:number|num|no))?$/i.test(name) && isCard(value)) {
    return 'card';
  }
  const phone = new RegExp(`(?:^|[a-z_-])${PHONE_WORD}$`, 'i').test(name);
  return phone && digits.length <= 15 ? 'phone' : undefined;
};

const run = sticky(
  '\\+?(?:\\d{1,19}|\\(\\+?\\d{1,5}\\))(?:(?:[ \u00a0]|[-./]|(?:[ -]?\\(\\d{1,5}\\)[ -]?))\\d{1,19}|\\d{0,19}[ -]?\\(\\d{1,5}\\)[ -]?\\d{1,19}){0,7}',
);
const address = sticky(
  '(?:(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(?![\\w-]|\\.[\\w])',
);

/** Loopback, masks, everybody's name servers, and the metadata of clouds: they tell of nobody. */
const NOBODYS_ADDRESS =
  /^(?:0|127|255)\.|^(?:8\.8\.8\.8|8\.8\.4\.4|1\.1\.1\.1|1\.0\.0\.1|9\.9\.9\.9|169\.254\.169\.254)$|\.0\.0\.0$/;
const VERSION_BEFORE =
  /(?:version|release|build|\bver\.?|\bsection|\bchapter|[=<>~!^]=|[\w)]\/)[\s"'(:]{0,3}$/i;
const ADDRESS_BEFORE =
  /(?:\bip|ipv4|addr|address|host|from|client|server|:\/\/|@)[\s\\"':=([]{0,4}$/i;

const v4 = (text: string, at: number, before: string): readonly Span[] | undefined => {
  const m = address(text, at);
  if (!m) return undefined;
  const end = at + m[0].length;
  const next = text.slice(end, end + 7);
  if (NOBODYS_ADDRESS.test(m[0]) || (/\.0$/.test(m[0]) && /^\/\d/.test(next))) return NONE;
  if (VERSION_BEFORE.test(before)) return NONE;
  // `3.2.1.14` is a section, a version or an OID unless something says what it is.
  if (/^\d\.\d\.\d\.\d+$/.test(m[0]) && !ADDRESS_BEFORE.test(before) && !/^:\d{2}/.test(next)) {
    return NONE;
  }
  return [{ start: at, end, kind: 'ip' }];
};

const number: Finder = (text, at) => {
  const before = text.slice(Math.max(0, at - 40), at);
  if (!/^[+(]/.test(text.charAt(at))) {
    const ip = v4(text, at, before);
    if (ip) return ip;
  }
  const m = run(text, at);
  if (!m) return NONE;
  const whole = m[0];
  const plus = whole.startsWith('+') || whole.startsWith('(+');
  // Of a longer token, or of a number with a unit, nothing is taken.
  const boundary = (end: number): boolean =>
    !/^(?:[\w%@]|[-./:]\w|,\d{3}(?!\d)|\.\.)/.test(text.slice(end, end + 5));
  const take = (length: number, kind: string): readonly Span[] => [
    { start: at, end: at + length, kind },
  ];
  // The run as a whole, then without its last pieces: `555-123-4567 2024`.
  const ends = [whole.length];
  for (const piece of whole.matchAll(/[ \u00a0]/g)) ends.push(piece.index);
  ends.sort((a, b) => b - a);
  const phoneBefore = PHONE_BEFORE.test(before);
  const ssnBefore = SSN_BEFORE.test(before);
  for (const length of ends) {
    const piece = whole.slice(0, length).replaceAll('\u00a0', ' ');
    if (!boundary(at + length)) continue;
    const digits = onlyDigits(piece);
    if (digits.length < 7 || digits.length > 19) continue;
    // One of a row of numbers, of a dump or a table.
    if (/^[^(-]* [^(-]*$/.test(piece) && !phoneBefore && !plus) {
      const after = text.slice(at + length, at + length + 6);
      if (/^ (?:\d|[\dA-Fa-f]{4,5}(?![A-Za-z]))/.test(after) || /[\dA-Fa-f]{4,5} $/.test(before))
        continue;
    }
    if (isCard(piece) && !/\bid[\\"']{0,2}\s?[:=]\s?[\\"']{0,2}$/i.test(before)) {
      return take(length, 'card');
    }
    if (isSsn(piece) && (ssnBefore || /^\d{3}-\d\d-/.test(piece))) return take(length, 'ssn');
    if (digits.length > 15) continue;
    if (phoneBefore && !/^\d+\.\d+$/.test(piece)) return take(length, 'phone');
    if (plus) {
      if (isInternational(onlyDigits(piece.replace('(0)', ''))) && !NO_PHONE.test(piece))
        return take(length, 'phone');
      continue;
    }
    if (/^00[1-9]/.test(piece) && /[ -]/.test(piece)) {
      if (
        isInternational(digits.slice(2)) &&
        /^00\d{2,3}[ -]/.test(piece) &&
        !/^\d{4}( \d{4})+$/.test(piece)
      )
        return take(length, 'phone');
      continue;
    }
    if (isNational(piece) && !/\d[ \u00a0]$|[a-f\d]{2} $/.test(before))
      return take(length, 'phone');
  }
  return NONE;
};

// ---- IPv6

// Of what is in use: global, of one network, of one link.
const v6run = sticky(
  '(?:[23][0-9A-Fa-f]{3}|[Ff](?:[CcDd][0-9A-Fa-f]|[Ee][89ABab])[0-9A-Fa-f])(?:::?[0-9A-Fa-f]{1,4}){1,7}(?:::)?(?![\\w:])',
);
const v6: Finder = (text, at) => {
  const m = v6run(text, at);
  if (!m) return NONE;
  const short = m[0].split('::').length - 1;
  const groups = m[0].split(':').filter(Boolean).length;
  if (short > 1 || (short === 0 ? groups !== 8 : groups > 7 || !/\d/.test(m[0]))) return NONE;
  const end = at + m[0].length;
  return [{ start: at, end, kind: 'ip' }];
};

// ---- IBAN

/** Country and length, from the registry of SWIFT. */
const IBAN =
  'AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20';
const ibanRun = sticky('[A-Z]{2}\\d\\d(?:[ \u00a0]?[A-Z0-9]){11,30}');
const iban: Finder = (text, at) => {
  const m = ibanRun(text, at);
  if (!m) return NONE;
  const wanted = Number(new RegExp(`${m[0].slice(0, 2)}(\\d\\d)`).exec(IBAN)?.[1]);
  let length = 0;
  for (let seen = 0; seen < wanted && length < m[0].length; length++) {
    if (/[A-Z0-9]/.test(m[0][length]!)) seen++;
  }
  const compact = m[0].slice(0, length).replace(/[^A-Z0-9]/g, '');
  if (compact.length !== wanted || /^[A-Za-z0-9]/.test(text.slice(at + length))) return NONE;
  let rest = 0;
  for (const c of compact.slice(4) + compact.slice(0, 4)) {
    const n = Number.parseInt(c, 36);
    rest = (n > 9 ? rest * 100 + n : rest * 10 + n) % 97;
  }
  return rest === 1 ? [{ start: at, end: at + length, kind: 'iban' }] : NONE;
};

const arn: Rule = {
  kind: 'arn',
  on: 'arn:aws',
  // The account, and the user in it; what an assumed role's session is called is often an address.
  find: 'arn:aws[a-z-]{0,12}:[a-z0-9-]{1,40}:[a-z0-9-]{0,25}:(\\d{12}):(?:user/([\\w+=,.@-]{1,64}))?',
};

const DIGIT = '0|1|2|3|4|5|6|7|8|9';
/** Where a number can begin that is long enough. */
const START = '(?<=(?<![\\w@#$€£/\\\\.+-]|\\d[:,])[\\d+(])';
const ESCAPED = '(?<=\\\\[nrt]\\d)';

export const PERSONAL_RULES: readonly RuleGroup[] = [
  { rules: [{ kind: 'email', on: '@|%40', ahead: '[A-Za-z0-9\u00c0-\u024f]', find: email }] },
  {
    rules: [
      {
        kind: 'number',
        on: `${DIGIT}|+|(`,
        ahead: `(?:${START}|${ESCAPED}|(?<=//\\d)|(?<=@\\d))[\\d() .+\u00a0/-]{6}`,
        find: number,
      },
    ],
  },
  {
    rules: [
      { kind: 'ip', on: '2|3|f|F', ahead: '(?<=(?<![\\w:.])[23fF])[0-9A-Fa-f]{3}:', find: v6 },
      {
        kind: 'iban',
        on: IBAN.match(/[A-Z]{2}/g)!.join('|'),
        ahead: '(?<=(?<![A-Za-z0-9])[A-Z]{2})\\d\\d[ \u00a0]?[A-Z0-9]{4}',
        find: iban,
      },
      arn,
    ],
  },
];
