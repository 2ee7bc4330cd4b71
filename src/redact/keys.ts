/** What a name (of a field, a variable, a header, a flag) says about the value it holds. */
import { MARK } from './engine.ts';

export interface KeyClass {
  readonly kind: string;
  /** The name's letters, lower case. */
  readonly name: string;
  /** The name alone proves little (`set_password`, `auth`, `app_key`): the value must look like a secret. */
  readonly weak: boolean;
}

// Words, not expressions: compiling a dozen of those would cost a hook more than everything else here.
const words = (list: string): Set<string> => new Set(list.split(' '));

/** The last word of a name → the kind. Longer words may end in these: `dbpassword`, `accesstoken`. */
const ENDINGS: readonly (readonly [kind: string, endings: readonly string[]])[] = (
  [
    [
      'password',
      'password passwd passphrase passcode passwords dbpass userpass requirepass mysqlpwd',
    ],
    ['private-key', 'privatekey secretkey signingkey encryptionkey'],
    ['api-key', 'apikey apikeys accesskey authkey accountkey'],
    ['connection-string', 'connectionstring connstr databaseurl'],
    ['authorization', 'authorization'],
    ['secret', 'secret secrets'],
    ['token', 'token'],
    ['credential', 'credential credentials'],
  ] as const
).map(([kind, list]) => [kind, list.split(' ')]);

/** Last words that count only when they stand alone. */
const WHOLE: ReadonlyMap<string, string> = new Map(
  (
    [
      ['password', 'pass pwd pw'],
      ['cookie', 'cookie cookies setcookie'],
      ['authorization', 'auth'],
      ['token', 'jwt bearer pat'],
      ['credential', 'cred creds'],
      ['connection-string', 'dsn'],
    ] as const
  ).flatMap(([kind, list]) => list.split(' ').map((word) => [word, kind] as const)),
);

/** `…_key`: by the word before; some of those prove little. */
const KEY_OF = words(
  'api access auth subscription shared openai anthropic sendgrid stripe gemini mistral groq mailgun datadog twilio algolia cohere openrouter deepseek',
);
const KEY_OF_WEAK = words(
  'account storage app application admin role function functions license write webhook google aws azure claude',
);
const PRIVATE_KEY_OF = words('private signing encryption ssh rsa secret');
const PRIVATE_KEY_OF_WEAK = words('deploy master');
const URL_OF = words(
  'database db redis mongo mongodb postgres postgresql mysql amqp broker rabbitmq',
);
/** Words after the one that counts: `DB_PASSWORD_PROD`, `secret_key_base`, `tokenValue`. */
const VARIANTS = words(
  'prod production staging stage dev test live old new value string base default primary secondary confirm confirmation b64 base64 plain text raw',
);
/** Tokens of texts, pages and grammars, not of identity. */
const PLAIN_TOKEN = words(
  'next page prev previous continuation sync eos bos pad unk sep cls mask stop special per design cancel cancelation cancellation cursor start end last first current num max min input output total cache cached image audio prompt completion reasoning syntax peek expected unexpected operator punctuator',
);
/** `has_password`, `resetPassword`: what is done with it, not what it is. */
const VERBS = words(
  'is has had show hide use require required requires need needs no enable enabled disable disabled allow forgot reset toggle get set with can should generate create verify validate check on update change missing invalid',
);

const classOf = (parts: readonly string[]): readonly [kind: string, weak: boolean] | null => {
  const last = parts.at(-1) ?? '';
  const before = parts.at(-2) ?? '';
  if (/^keys?$/.test(last)) {
    if (KEY_OF.has(before)) return ['api-key', false];
    if (KEY_OF_WEAK.has(before)) return ['api-key', true];
    if (PRIVATE_KEY_OF.has(before)) return ['private-key', false];
    return PRIVATE_KEY_OF_WEAK.has(before) ? ['private-key', true] : null;
  }
  if (/^ur[il]$/.test(last)) return URL_OF.has(before) ? ['connection-string', false] : null;
  if (/^str(?:ing)?$/.test(last) && before.startsWith('conn')) return ['connection-string', false];
  const whole = WHOLE.get(last);
  if (whole) return [whole, /^(?:authorization|token|credential)$/.test(whole) || last === 'pw'];
  const kind = ENDINGS.find(([, list]) => list.some((ending) => last.endsWith(ending)))?.[0];
  if (!kind || (kind === 'token' && PLAIN_TOKEN.has(before))) return null;
  return [kind, kind === 'credential'];
};

const known = new Map<string, KeyClass | null>();

/** The class of a name, or null where its value is nobody's secret. Any spelling: `DB_PASSWORD`, `stripeSecretKey`, `X-Api-Key`. */
export const classifyKey = (key: string): KeyClass | null => {
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  let out: KeyClass | null = null;
  if (!key.includes(MARK)) {
    const parts = key
      .slice(-80)
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .split(/[^a-z]+/)
      .filter(Boolean);
    const name = parts.join('');
    const verb = VERBS.has(parts[0]!);
    let found = classOf(parts);
    while (!found && parts.length > 1 && VARIANTS.has(parts.at(-1)!)) {
      parts.pop();
      found = classOf(parts);
    }
    if (found) out = { kind: found[0], name, weak: found[1] || (verb && parts.length > 1) };
  }
  if (known.size > 500) known.clear();
  known.set(key, out);
  return out;
};
