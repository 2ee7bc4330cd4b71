/** What a name (of a field, a variable, a header, a flag) says about the value it holds. */

export interface KeyClass {
  readonly kind: string;
  /** The name alone proves little (`set_password`, `auth`, `app_key`): the value must look like a secret. */
  readonly weak: boolean;
}

interface Patterns {
  readonly suffix: RegExp;
  readonly kinds: readonly (readonly [string, RegExp])[];
  readonly plainToken: RegExp;
  readonly verb: RegExp;
  readonly weak: RegExp;
}

let patterns: Patterns | undefined;

// Kinds in order of preference. All see the name as snake_case, without variants such as `_prod` or `_2`.
const compile = (): Patterns => ({
  suffix:
    /(?:_(?:prod(?:uction)?|staging|stage|dev|test|live|old|new|value|string|base|default|primary|secondary|confirm(?:ation)?|b64|base64|plain|text|raw|\d+)|\d+)+$/,
  kinds: [
    [
      'connection-string',
      /(?:conn(?:ection)?_?str(?:ing)?|(?:database|db|redis|mongo(?:db)?|postgres(?:ql)?|mysql|amqp|rabbitmq|broker)_?ur[il]|(?:^|_)dsn)$/,
    ],
    ['cookie', /(?:^|_)(?:set_?)?cookies?$/],
    ['authorization', /authorization$|(?:^|_)auth$/],
    [
      'password',
      /(?:password|passwd|passphrase|passcode)s?$|(?:^|_|db|user|root|admin|mysql|pg)(?:pass|pwd|pw)$/,
    ],
    ['private-key', /(?:private|signing|encryption|ssh|deploy|rsa|master|secret)_?key$/],
    [
      'api-key',
      /(?:api|access|auth|account|shared_access|storage|subscription|app(?:lication)?|admin|role|functions?|license|write|webhook|openai|anthropic|claude|sendgrid|stripe|azure|aws|google|gemini|mistral|groq|mailgun|datadog|twilio|algolia|cohere|openrouter|deepseek)_?keys?$/,
    ],
    ['secret', /secrets?$/],
    ['token', /token$|(?:^|_)(?:jwt|bearer|pat)$/],
    ['credential', /cred(?:ential)?s?$/],
  ],
  // Tokens of texts, pages and grammars, not of identity.
  plainToken:
    /(?:^|_)(?:next|page|prev(?:ious)?|continuation|sync|eos|bos|pad|unk|sep|cls|mask|stop|special|per|design|cancel(?:l?ation)?|cursor|start|end|last|first|current|num|max|min|input|output|total|cached?|image|audio|prompt|completion|reasoning|syntax|peek|expected|unexpected|operator|punctuator)_?(?:page_?)?token$/,
  verb: /^(?:is|has|had|show|hide|use|required?|requires|needs?|no|enabled?|disabled?|allow|forgot|reset|toggle|get|set|with|can|should|generate|create|verify|validate|check|on|update|change|missing|invalid)_/,
  weak: /(?:^|_)(?:auth|pw|pat|bearer|cred|creds)$|(?:app(?:lication)?|admin|role|functions?|license|write|webhook|deploy|master|account|storage|google|aws|azure|claude)_?keys?$/,
});

const known = new Map<string, KeyClass | null>();

/** The class of a name, or null where its value is nobody's secret. Any spelling: `DB_PASSWORD`, `stripeSecretKey`, `X-Api-Key`. */
export const classifyKey = (key: string): KeyClass | null => {
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  patterns ??= compile();
  const p = patterns;
  // `a.b.password`: the last part names the value, unless it is a variant (`token.value`).
  const snake = key
    .slice(-80)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  let out: KeyClass | null = null;
  for (const name of [snake, snake.replace(p.suffix, '')]) {
    const kind = p.kinds.find(([, re]) => re.test(name))?.[0];
    if (kind && !p.plainToken.test(name)) {
      out = { kind, weak: p.weak.test(name) || p.verb.test(name) };
      break;
    }
  }
  if (known.size > 500) known.clear();
  known.set(key, out);
  return out;
};
