import { FLAG, TYPE } from './columns.ts';
import type { JsonObject, TraceEvent } from './event.ts';
import { recordedFileOps } from './fileOps.ts';
import type { SessionFold } from './fold.ts';
import { shownCommand } from './scriptCommand.ts';
import { STEP_KINDS, type StepIcon, type StepKind, type StepView } from './step.ts';
import { oneLine } from './text.ts';
import { pathArgument } from './tools.ts';
import { isAgentCommand } from './userPrompt.ts';

const ICONS: Record<StepKind, StepIcon> = {
  other: 'info',
  prompt: 'account',
  assistant: 'comment',
  reasoning: 'thinking',
  read: 'file',
  modify: 'edit',
  search: 'search',
  run: 'terminal',
  web: 'globe',
  mcp: 'plug',
  agent: 'robot',
  tool: 'tools',
  model: 'sparkle',
  session: 'play',
  notice: 'bell',
  error: 'error',
};

/** Icon of a tool by the step kind that it makes. */
export const iconOf = (kind: StepKind): StepIcon => ICONS[kind];

/**
 * A step in words.
 *
 * @param at place in the list of steps
 * @param row the step's row
 * @param event its event
 * @param result the event of its result, where there is one
 */
export function describeStep(
  fold: SessionFold,
  at: number,
  row: number,
  event: TraceEvent,
  result?: TraceEvent,
): StepView {
  const view = describe(fold, at, row, event, result);
  // Whatever a trace holds, a row is short words on one line.
  view.verb = oneLine(view.verb, 80);
  view.target = oneLine(view.target);
  view.detail = oneLine(view.detail, 120);
  if (view.rule !== undefined) view.rule = oneLine(view.rule, 60);
  return view;
}

function describe(
  fold: SessionFold,
  at: number,
  row: number,
  event: TraceEvent,
  result: TraceEvent | undefined,
): StepView {
  const { columns } = fold;
  const kind = STEP_KINDS[columns.kind[row]!] ?? 'other';
  const flags = columns.flags[row]!;
  const base: StepView = {
    row: at,
    icon: ICONS[kind],
    verb: '',
    target: '',
    style: 'prose',
    detail: '',
  };
  const { data } = event;
  switch (columns.type[row]) {
    case TYPE.tool_call:
      return describeCall(fold, row, base, kind, data, result);
    case TYPE.user_prompt:
      return describePrompt(base, kind, data.prompt);
    case TYPE.assistant_response:
      return {
        ...base,
        // Models begin thoughts with a heading in bold.
        target:
          kind === 'reasoning'
            ? words(data.text).replaceAll(/\*\*([^*\s][^*]*)\*\*/g, '$1')
            : words(data.text),
        style: kind === 'reasoning' ? 'muted' : 'prose',
      };
    case TYPE.llm_request:
    case TYPE.llm_response:
      return { ...base, verb: 'Model', target: text(data.model) || 'response', style: 'code' };
    case TYPE.file_read:
    case TYPE.file_write:
      return describeFile(fold, base, kind, data);
    case TYPE.session_start:
      return { ...base, target: sessionStart(data) };
    case TYPE.session_end:
      return {
        ...base,
        icon: 'debug-stop',
        target: 'Session ended',
        detail: words(data.reason, 60),
      };
    case TYPE.error: {
      const denied = (flags & FLAG.denied) !== 0;
      return {
        ...base,
        icon: denied ? 'circle-slash' : 'error',
        verb: denied ? 'Denied' : 'Error',
        target: [text(data.tool_name), words(data.error) || 'no message'].filter(Boolean).join(' '),
      };
    }
    case TYPE.tool_result:
      return {
        ...base,
        verb: text(data.tool_name) || 'Result',
        target: words(data.result) || 'result without a call',
      };
    case TYPE.decision:
      return describeDecision(base, data);
    default:
      return { ...base, verb: oneLine(event.event_type, 60), target: words(JSON.stringify(data)) };
  }
}

/** What a person wrote; a command of the agent's own; what an agent told itself, by its summary. */
function describePrompt(base: StepView, kind: StepKind, prompt: unknown): StepView {
  if (kind !== 'notice' || typeof prompt !== 'string') return { ...base, target: words(prompt) };
  const told = /<summary>([^<]{1,300})<\/summary>/.exec(prompt.slice(0, 4000))?.[1];
  if (told !== undefined) return { ...base, target: words(told) };
  const isCommand = isAgentCommand(prompt);
  return { ...base, target: words(prompt), ...(isCommand && { verb: 'Command', style: 'code' }) };
}

function describeCall(
  fold: SessionFold,
  row: number,
  base: StepView,
  kind: StepKind,
  data: JsonObject,
  result: TraceEvent | undefined,
): StepView {
  const args = object(data.arguments) ?? {};
  const tool = text(data.tool_name) || 'tool';
  const flags = fold.columns.flags[row]!;
  const view: StepView = { ...base, verb: oneLine(tool, 80), style: 'code' };
  const patched = patchedFiles(args);
  const path = pathArgument(args) ?? patched[0];
  switch (kind) {
    case 'run':
      view.verb = '';
      view.target = oneLine(shownCommand(args) ?? tool);
      break;
    case 'search': {
      const pattern = text(args.pattern) || text(args.query) || text(args.glob);
      view.target = oneLine(pattern || shown(fold, path) || '');
      break;
    }
    case 'web':
      view.target = oneLine(text(args.url) || text(args.query));
      break;
    case 'agent':
      view.verb = text(args.subagent_type) || text(args.agent_type) || text(args.agentName) || tool;
      view.target = words(args.description) || words(args.prompt);
      view.style = 'prose';
      break;
    case 'mcp': {
      const [, server = '', ...name] = tool.split('__');
      view.verb = oneLine(server ? `${server}: ${name.join('__')}` : tool, 80);
      view.target = firstText(args);
      break;
    }
    default:
      view.target = path === undefined ? firstText(args) : oneLine(shown(fold, path));
      if (patched.length > 1) view.target += ` and ${patched.length - 1} more`;
  }
  if ((kind === 'read' || kind === 'modify') && path !== undefined) view.file = { path };
  const subagent = result ? text(result.data.subagent_id) : '';
  const lane = subagent === '' ? undefined : fold.lanes.find(subagent);
  if (lane !== undefined) view.spawns = lane;
  if (result) addOutcome(view, kind, result);
  if ((flags & FLAG.denied) !== 0) {
    view.icon = 'circle-slash';
    view.verb = 'Denied';
    if (kind !== 'run') view.target = `${tool} ${view.target}`;
    view.detail = '';
    const rule = result ? text(object(result.data)?.rule) : '';
    if (rule) view.rule = oneLine(rule, 60);
  } else if ((flags & FLAG.error) !== 0 && view.detail === '') {
    view.detail = 'failed';
  }
  if ((flags & FLAG.retry) !== 0) view.attempt = fold.retries.attempt(row);
  return view;
}

/** The files that a patch text names: Codex's `apply_patch`, and what others took over from it. */
function patchedFiles(args: JsonObject): string[] {
  const patch = [args.command, args.input, args.patch].find(
    (each): each is string => typeof each === 'string' && each.startsWith('*** Begin Patch'),
  );
  if (patch === undefined) return [];
  const heads = patch.slice(0, 100_000).matchAll(/^\*\*\* (?:Add|Update|Delete) File: (.+)$/gm);
  return [...new Set(Array.from(heads, ([, path = '']) => path.trim()))];
}

function addOutcome(view: StepView, kind: StepKind, result: TraceEvent): void {
  const { data } = result;
  const exit = data.exit_code;
  if (typeof exit === 'number') {
    if (exit !== 0) view.detail = `exit ${exit}`;
  }
  const ops = recordedFileOps(data);
  if (ops && (kind === 'read' || kind === 'modify')) {
    const op = ops[0];
    if (op) {
      if (op.added !== undefined && op.kind !== 'read') view.added = op.added;
      if (op.removed !== undefined && op.kind !== 'read') view.removed = op.removed;
      const range = op.ranges?.[0];
      if (op.kind === 'read' && range) view.detail = `${range[0]}–${range[1]}`;
      if (view.file) {
        view.file.path = op.path;
        if (range) view.file.line = range[0];
      }
    }
  }
  if (kind === 'search' && ops && ops.length > 0) {
    const hits = ops.reduce((sum, op) => sum + (op.ranges?.length ?? 0), 0);
    view.detail = hits > 0 ? `${hits} in ${files(ops.length)}` : files(ops.length);
    // The first hit is where one goes from a search.
    const [first] = ops;
    const line = first?.ranges?.[0]?.[0];
    if (first) view.file = { path: first.path, ...(line === undefined ? {} : { line }) };
  }
}

const files = (n: number): string => `${n} ${n === 1 ? 'file' : 'files'}`;

function describeFile(
  fold: SessionFold,
  base: StepView,
  kind: StepKind,
  data: JsonObject,
): StepView {
  const path = text(data.path);
  const instructions = data.event_subtype === 'instructions';
  return {
    ...base,
    verb: instructions ? 'Instructions' : kind === 'read' ? 'Read' : 'Write',
    target: oneLine(shown(fold, path)),
    style: 'code',
    detail: instructions ? words(data.memory_type, 40) : '',
    ...(path ? { file: { path } } : {}),
  };
}

function describeDecision(base: StepView, data: JsonObject): StepView {
  switch (data.event_subtype) {
    case 'notification':
      return { ...base, target: words(data.message) || words(data.notification_type) };
    case 'permission':
      return {
        ...base,
        verb: 'Asks',
        target: [text(data.tool_name), firstText(object(data.arguments) ?? {})].join(' ').trim(),
      };
    case 'compaction':
      return {
        ...base,
        icon: 'archive',
        target: 'Context compacted',
        detail: words(data.trigger, 40),
      };
    case 'guard':
      return describeGuard(base, data);
    case 'model_switch':
      return { ...base, target: `Model: ${text(data.to_model) || text(data.model)}` };
    default: {
      const choice = words(data.choice);
      const what = words(data.event_subtype, 60).replaceAll('_', ' ');
      return {
        ...base,
        verb: choice ? 'Decided' : what,
        target: choice || firstText(data),
        detail: words(data.reason, 120),
      };
    }
  }
}

/** What a rule of the guard did. */
const GUARD_VERBS: Record<string, string> = {
  alert: 'Alert',
  ask: 'Asked',
  deny: 'Denied',
  pause: 'Paused',
  stop: 'Stopped',
  kill: 'Killed',
};
const GUARD_OUTCOMES: Record<string, string> = {
  allowed: 'Allowed by you',
  prompt: 'Prompt denied',
  ran: 'Denied, but ran',
};

function describeGuard(base: StepView, data: JsonObject): StepView {
  const action = text(data.action);
  const known = Object.hasOwn(GUARD_VERBS, action) ? GUARD_VERBS[action]! : 'Guard';
  const outcome = text(data.outcome);
  const dry = data.dry_run === true;
  const verb = Object.hasOwn(GUARD_OUTCOMES, outcome) ? GUARD_OUTCOMES[outcome]! : known;
  const rule = text(data.rule);
  return {
    ...base,
    ...(action !== 'alert' && !dry && outcome !== 'allowed' && { icon: 'circle-slash' as const }),
    verb: dry ? `Would be: ${verb.toLowerCase()}` : verb,
    target: words(data.detail),
    ...(rule !== '' && { rule }),
  };
}

function sessionStart(data: JsonObject): string {
  const source = text(data.source);
  if (source === 'resume') return 'Session resumed';
  if (source === 'compact') return 'Session goes on after compaction';
  if (source === 'clear') return 'Session cleared';
  return 'Session started';
}

/** A path as seen from the session's folder. */
function shown(fold: SessionFold, path: string | undefined): string {
  if (path === undefined) return '';
  const { cwd } = fold.session;
  if (cwd !== '' && path.startsWith(cwd)) {
    const rest = path.slice(cwd.length);
    if (rest.startsWith('/') || rest.startsWith('\\')) return rest.slice(1);
  }
  return path;
}

function firstText(data: JsonObject): string {
  for (const key in data) {
    const value = data[key];
    if (typeof value === 'string' && value !== '' && !INTERNAL.has(key)) return oneLine(value);
  }
  return '';
}

/** Keys that say where an event comes from, not what it is about. */
const INTERNAL = new Set([
  'event_subtype',
  'recorded_by',
  'provider',
  'prompt_id',
  'cwd',
  'permission_mode',
  'agent_id',
  'agent_type',
]);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const words = (value: unknown, max = 300): string => oneLine(text(value), max);
const object = (value: unknown): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
