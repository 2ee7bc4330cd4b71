// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of the editor's snippets
/**
 * JSON Schemas of rule files, for completion in editors. They say what the readers read; `media/schemas` is made of them by
 * `schema.spec.ts`.
 */
import { ACTION_WORDS } from './fileReader.ts';
import { METRICS } from './rule.ts';
import { WORDS_ALONE } from './ruleEntry.ts';
import { SPEC_WORDS } from './spec.ts';
import { WATCHER_LIMITS } from './watchers.ts';
import { TEXT_KINDS } from './words.ts';

type Schema = Record<string, unknown>;

/** Conditions for people to begin with. */
export const CONDITION_EXAMPLES = [
  'cost_usd > 5',
  'cost_per_hour >= $5',
  'duration_minutes > 1h30m',
  'context_pct >= 80%',
  'file_path writes "**/production.env"',
  'file_path deletes outside workspace',
  'command matches "rm -rf *"',
  'command matches /terraform\\s+destroy/',
  'command unreadable',
  'tool matches "Web*"',
  'host matches "*.example.com"',
  'mcp_server matches "github"',
  'loop 3/10',
  'sequence 3 x 3',
  'secret in outgoing call',
  'consecutive_test_failures >= 3 and not tool matches "Read"',
];

const ALONE = [...METRICS, ...TEXT_KINDS, 'loop', 'sequence', 'secret', ...WORDS_ALONE];

const texts = (description: string): Schema => ({
  description,
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }],
});
const amount = (description: string, examples: unknown[]): Schema => ({
  description,
  type: ['number', 'string'],
  examples,
});

const ACTION: Schema = {
  description: 'What happens when the condition is true.',
  type: 'string',
  default: 'alert',
  enum: Object.keys(ACTION_WORDS),
  enumDescriptions: [
    'Say so, and let it happen.',
    'A person decides; no answer means no.',
    'This call does not run; the session goes on.',
    'This call does not run; the agent and what it runs are frozen.',
    'This call does not run; the agent is asked to end.',
    'This call does not run; the agent and what it runs are killed.',
    'The same as ask.',
    'The same as deny.',
    'The same as stop.',
  ],
};

const RULE: Schema = {
  type: 'object',
  required: ['condition'],
  additionalProperties: false,
  properties: {
    name: {
      description: 'What it is called, in messages and lists. One of a kind.',
      type: 'string',
    },
    condition: {
      description: 'When it trips: `cost_usd > 5`, or one word with threshold or glob beside it.',
      type: 'string',
      examples: CONDITION_EXAMPLES,
      anyOf: [{ enum: ALONE }, { type: 'string' }],
    },
    action: ACTION,
    message: {
      description: 'Why, for people and for the agent: what to do instead.',
      type: 'string',
    },
    reason: { description: 'The same as message.', type: 'string' },
    notify: {
      description: 'Not read: destinations come from user settings.',
      deprecationMessage: 'Destinations come from user settings.',
    },
    threshold: amount(
      'With one word as the condition: the limit that trips it when it is reached.',
      [5, '$5', '200k', '30m', '80%'],
    ),
    window: {
      description: 'With `loop`: among how many calls.',
      type: ['integer', 'string'],
      default: 10,
    },
    length: {
      description: 'With `sequence`: of how many calls at most.',
      type: ['integer', 'string'],
      default: 3,
    },
    glob: texts('With file_path, command, tool, host or mcp_server: what matches.'),
    pattern: texts('The same as glob.'),
    regex: texts('A regular expression (RE2) instead of a glob.'),
    access: {
      description: 'With file_path or outside: what is done to the file.',
      enum: ['read', 'write', 'delete', 'any'],
      default: 'any',
    },
  },
  defaultSnippets: [
    {
      label: 'Deny writes to a file',
      body: {
        name: '${1:no-production-env}',
        condition: 'file_path writes "${2:**/production.env}"',
        action: 'deny',
        message: '$3',
      },
    },
    {
      label: 'Deny a command',
      body: {
        name: '${1:no-destroy}',
        condition: 'command matches "${2:terraform destroy}"',
        action: 'deny',
        message: '$3',
      },
    },
    {
      label: 'Limit what a session costs',
      body: {
        name: '${1:spend}',
        condition: 'cost_usd > ${2:5}',
        action: '${3|stop,pause,alert|}',
      },
    },
    {
      label: 'Break loops',
      body: {
        name: '${1:loop}',
        condition: 'loop ${2:3}/${3:10}',
        action: '${4|deny,pause,stop|}',
      },
    },
  ],
};

const RULES: Schema = {
  description: 'The rules.',
  type: 'array',
  items: { $ref: '#/definitions/rule' },
};

const BUDGET: Schema = {
  description: 'What may be spent.',
  type: 'object',
  additionalProperties: false,
  properties: {
    weekly: amount('USD in seven days, by all sessions of the project.', [50, '$50']),
    warn_at: { ...amount('Share of it from which on it warns.', [0.8, '80%']), default: 0.8 },
    stop_at: { ...amount('Share of it at which sessions are stopped.', [1, '100%']), default: 1 },
    per_session_max: amount('USD of one session.', [5, '$5']),
  },
};

const SWITCHES = {
  action: { ...ACTION, default: 'alert' },
  alert: { description: 'False: it is off.', type: 'boolean' },
  enabled: { description: 'False: it is off.', type: 'boolean' },
};

const WATCHERS: Schema = {
  description:
    'Limits by the names that the Python tool gave them. A maximum may be reached, not passed.',
  type: 'object',
  additionalProperties: false,
  properties: {
    ...Object.fromEntries(
      Object.entries(WATCHER_LIMITS).map(([name, { metric, keys }]) => [
        name,
        {
          description: `Trips when ${metric} is above it.`,
          type: 'object',
          additionalProperties: false,
          properties: {
            ...Object.fromEntries(keys.map((key) => [key, amount(`Of ${metric}.`, [5])])),
            ...SWITCHES,
          },
        },
      ]),
    ),
    loop: {
      description: 'Equal calls, and sequences of calls that are repeated.',
      type: 'object',
      additionalProperties: false,
      properties: {
        identical_calls: {
          type: ['integer', 'string'],
          default: 3,
          description: 'So many equal calls …',
        },
        window: { type: ['integer', 'string'], default: 10, description: '… among so many.' },
        sequence_length: {
          type: ['integer', 'string'],
          default: 3,
          description: 'A sequence of so many calls …',
        },
        max_repeats: {
          type: ['integer', 'string'],
          default: 3,
          description: '… so many times in a row.',
        },
        ...SWITCHES,
      },
    },
    scope: {
      description: 'A policy: what may be read, written, run and reached.',
      type: 'object',
      additionalProperties: false,
      properties: { policy: { type: 'string', examples: ['.agent-scope.json'] }, ...SWITCHES },
    },
  },
};

const OPERATIONS: Schema = {
  description: 'Rules of the Python tool: a tool, a pattern of its command or path.',
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    properties: {
      name: { type: 'string' },
      tool: { type: 'string', examples: ['bash', '*'] },
      pattern: texts('Of the command or the path.'),
      action: ACTION,
      reason: { type: 'string' },
    },
  },
};

const DEFINITIONS = { definitions: { rule: RULE } };
const PARTS = {
  $schema: { type: 'string' },
  version: { description: 'Not read.' },
  name: { description: 'Not read.', type: 'string' },
  description: { description: 'Not read.', type: 'string' },
  rules: RULES,
  budget: BUDGET,
  watchers: WATCHERS,
  operation_rules: OPERATIONS,
  built_in_rules: {
    description: `Rules in a word: ${SPEC_WORDS.join(', ')}.`,
    type: 'array',
    items: { type: 'string' },
    examples: [['loop:3/10', 'budget:$5', 'timeout:30m']],
  },
  max_context_pct: amount('Alerts when the context window is so full.', [90]),
};

/** Of `.watch-rules.*`, `.agent-watch.json` and the user's own rules. */
export const rulesSchema = (): Schema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Rules for AI coding agents (agent-strace)',
  description: 'What agents are held to in this project. In a repository, rules alert and deny.',
  anyOf: [
    { type: 'array', items: { $ref: '#/definitions/rule' } },
    { $ref: '#/definitions/rule' },
    { type: 'object', additionalProperties: false, properties: PARTS },
  ],
  defaultSnippets: [
    {
      label: 'Rules',
      body: {
        rules: [
          {
            name: '${1:spend}',
            condition: '${2:cost_usd > 5}',
            action: '${3|alert,ask,deny,pause,stop,kill|}',
          },
        ],
      },
    },
  ],
  ...DEFINITIONS,
});

/** Of `.agent-strace.*`, which is about other things, too. */
export const settingsSchema = (): Schema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'agent-strace in this project',
  description: 'Budgets, watchers and rules. Other parts of the file are left alone.',
  type: 'object',
  properties: PARTS,
  defaultSnippets: [
    {
      label: 'Budget',
      body: { budget: { weekly: '${1:50}', warn_at: 0.8, stop_at: 1, per_session_max: '${2:5}' } },
    },
  ],
  ...DEFINITIONS,
});
