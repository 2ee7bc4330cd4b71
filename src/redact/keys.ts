/** What a name (of a field, a variable, a header, a flag) says about the value it holds. */

import { MARK } from './engine.ts';

export interface KeyClass {
  readonly kind: string;
  /** The name's letters, lower case. */
  readonly name: string;
  /** The name alone proves little (`set_password`, `auth`, `app_key`): the value must look like a secret. */
  readonly weak: boolean;
}

// Names are seen as snake_case. Variants do not count: `_prod`, `_2`.
const SUFFIX =
  /(?:_(?:prod(?:uction)?|staging|stage|dev|test|live|old|new|value|string|base|default|primary|secondary|confirm(?:ation)?|b64|base64|plain|text|raw|\d+)|\d+)+$/;
// In order of preference.
const KINDS: readonly (readonly [kind: string, name: RegExp])[] = [
  [
    'connection-string',
    /(?:conn(?:ection)?_?str(?:ing)?|(?:database|db|redis|mongo(?:db)?|postgres(?:ql)?|mysql|amqp|broker)_?ur[il]|(?:^|_)dsn)$/,
  ],
  ['cookie', /(?:^|_)(?:set_?)?cookies?$/],
  ['authorization', /authorization$|(?:^|_)auth$/],
  [
    'password',
    /(?:password|passwd|passphrase|passcode)s?$|(?:^|_|db|user|root|admin|mysql|pg|require)(?:pass|pwd|pw)$/,
  ],
  ['private-key', /(?:private|signing|encryption|ssh|deploy|rsa|master|secret)_?key$/],
  [
    'api-key',
    /(?:api|access|auth|account|storage|subscription|app(?:lication)?|admin|role|functions?|license|write|webhook|openai|anthropic|claude|sendgrid|stripe|azure|aws|google|gemini|mistral|groq|mailgun|datadog|twilio|algolia|cohere|openrouter|deepseek)_?keys?$/,
  ],
  ['secret', /secrets?$/],
  ['token', /token$|(?:^|_)(?:jwt|bearer|pat)$/],
  ['credential', /cred(?:ential)?s?$/],
];
// Tokens of texts, pages and grammars, not of identity.
const PLAIN_TOKEN =
  /(?:^|_)(?:next|page|prev(?:ious)?|continuation|sync|eos|bos|pad|unk|sep|cls|mask|stop|special|per|design|cancel(?:l?ation)?|cursor|start|end|last|first|current|num|max|min|input|output|total|cached?|image|audio|prompt|completion|reasoning|syntax|peek|expected|unexpected|operator|punctuator)_?(?:page_?)?token$/;
const VERB =
  /^(?:is|has|had|show|hide|use|required?|requires|needs?|no|enabled?|disabled?|allow|forgot|reset|toggle|get|set|with|can|should|generate|create|verify|validate|check|on|update|change|missing|invalid)_/;
const WEAK =
  /(?:^|_)(?:auth|pw|pat|bearer|jwt|cred(?:ential)?s?)$|cred(?:ential)?$|(?:app(?:lication)?|admin|role|functions?|license|write|webhook|deploy|master|account|storage|google|aws|azure|claude)_?keys?$/;

const known = new Map<string, KeyClass | null>();

/** The class of a name, or null where its value is nobody's secret. Any spelling: `DB_PASSWORD`, `stripeSecretKey`, `X-Api-Key`. */
export const classifyKey = (key: string): KeyClass | null => {
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  // `a.b.password`: the last part names the value, unless it is a variant (`token.value`).
  const snake = key
    .slice(-80)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  let out: KeyClass | null = null;
  for (const name of [snake, snake.replace(SUFFIX, '')]) {
    const kind = KINDS.find(([, re]) => re.test(name))?.[0];
    if (kind && !key.includes(MARK) && !PLAIN_TOKEN.test(name)) {
      out = {
        kind,
        name: snake.replace(/[^a-z]/g, ''),
        weak: WEAK.test(name) || VERB.test(name),
      };
      break;
    }
  }
  if (known.size > 500) known.clear();
  known.set(key, out);
  return out;
};
