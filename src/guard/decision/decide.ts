/** The decision itself: pure. */
import {
  ACTIONS,
  type Action,
  CALL_KINDS,
  type Condition,
  type Rule,
  type RuleSet,
  stricter,
} from '../rules/rule.ts';
import { evaluate, type Finding, type Scene } from './evaluate.ts';
import type { Facts } from './facts.ts';
import type { GuardedCall } from './guardedCall.ts';
import { Matchers, type Regex, Undecidable } from './matchers.ts';
import { isTrue, truer } from './truth.ts';
import type { Fired, Verdict } from './verdict.ts';
import { shown } from './words.ts';

export interface Situation {
  rules: RuleSet;
  /** The call that is about to run; without one, conditions on calls are false. */
  call?: GuardedCall | undefined;
  facts: Facts;
  /** ms since the epoch. */
  nowMs: number;
  /** What a repository's rules may do: in hooks and untrusted windows alert and deny, else all. */
  where: 'hook' | 'trusted' | 'untrusted';
  /** Limits that a person raised for this session, by the rule's name. */
  raised?: Record<string, number> | undefined;
  /** True when time is up. */
  deadline?: (() => boolean) | undefined;
  /** The user's home folder, absolute: what `~` in globs stands for. */
  home?: string;
  /** Folders for temporary files, absolute. Default `/tmp`, `/var/tmp`, `/dev/shm`. */
  temporary?: readonly string[];
  /** The project's folder, absolute; default: each rule's `root`. */
  project?: string;
  /** Names of files differ by more than their case. Default: they do. */
  ignoreCase?: boolean;
  /** Compiles a linear-time regular expression. Without one, a decision with rules that need it fails. @throws for a bad one */
  regex?: ((source: string) => Regex) | undefined;
}

const TEMPORARY = ['/tmp', '/var/tmp', '/dev/shm', '/private/tmp', '/private/var/tmp'];
/** Calls are looked at in parts, for rules with a `not`; more parts are no call but an attack. */
const MAX_PARTS = 400;

class TimeUp extends Error {}

/**
 * What the rules say. The caller decides what `failed` means (open or closed). Never throws.
 * Rules are tried from the strictest to the mildest, so that what a deadline cuts off is the mildest.
 */
export function decide(situation: Situation): Verdict {
  const { rules, call } = situation;
  const fired: Fired[] = [];
  let failed: Verdict['failed'];
  const scene = sceneOf(situation);
  const ordered = rules.rules
    .map((rule) => ({ rule, action: actionWithin(rule, situation.where) }))
    .sort((a, b) => ACTIONS.indexOf(b.action) - ACTIONS.indexOf(a.action));
  for (const { rule, action } of ordered) {
    try {
      const finding = tried(rule, scene);
      const weak = finding.truth === 'maybe';
      if (!weak && !isTrue(finding.truth)) continue;
      // It may do what the rule forbids: a person should look at it.
      fired.push({ ...found(rule, finding), action: weak ? mildest(action, 'ask') : action });
    } catch (error) {
      failed = error instanceof TimeUp ? 'deadline' : 'error';
      if (error instanceof TimeUp) break;
      if (!(error instanceof Undecidable)) continue;
    }
  }
  const unread = call === undefined ? undefined : unreadable(call, ordered);
  if (unread !== undefined && fired.every((one) => one.action === 'alert')) fired.push(unread);
  fired.sort((a, b) => ACTIONS.indexOf(b.action) - ACTIONS.indexOf(a.action));
  const strictest = fired.reduce<Action>((action, one) => stricter(action, one.action), 'alert');
  return {
    action: strictest === 'alert' || rules.dryRun === true ? 'allow' : strictest,
    fired,
    ...(failed !== undefined && { failed }),
  };
}

/** What a rule may do here: a repository's may only alert and deny, where nobody has said that it is trusted. */
export function actionWithin({ scope, action }: Rule, where: Situation['where']): Action {
  if (scope !== 'repo' || where === 'trusted' || action === 'alert') return action;
  return 'deny';
}

const mildest = (a: Action, b: Action): Action => (stricter(a, b) === a ? b : a);

function found(rule: Rule, { truth, detail, value, limit }: Finding): Omit<Fired, 'action'> {
  const said = detail === '' ? rule.text : detail;
  return {
    rule,
    detail: shown(truth === 'maybe' ? `${said} (as far as can be told before it runs)` : said, 300),
    ...(value !== undefined && { value }),
    ...(limit !== undefined && { limit }),
  };
}

const compiled = new WeakMap<RuleSet, Matchers>();

function sceneOf(situation: Situation): Scene {
  const { rules, call, facts, nowMs, deadline, home = '/', ignoreCase = false } = situation;
  let matchers = compiled.get(rules);
  if (matchers === undefined) {
    matchers = new Matchers(situation.regex);
    compiled.set(rules, matchers);
  }
  let ticks = 0;
  return {
    call,
    facts,
    nowMs,
    matchers,
    home,
    project: situation.project,
    temporary: situation.temporary ?? TEMPORARY,
    ignoreCase,
    raised: situation.raised ?? {},
    tick: () => {
      if ((++ticks & 15) === 0 && deadline?.() === true) throw new TimeUp();
    },
  };
}

/**
 * The rule against the call; where it says "not", also against each part of it alone: of `cp a b`, "not below src" must
 * hold for `a` and for `b`.
 */
function tried(rule: Rule, scene: Scene): Finding {
  let best = evaluate(rule.when, rule, scene);
  if (best.truth === 'yes' || scene.call === undefined || !negatesCall(rule.when)) return best;
  for (const call of partsOf(scene.call)) {
    const finding = evaluate(rule.when, rule, { ...scene, call });
    if (truer(finding.truth, best.truth) !== best.truth) best = finding;
    if (best.truth === 'yes') break;
  }
  return best;
}

function negatesCall(when: Condition, negated = false): boolean {
  if (when.kind === 'not') return negatesCall(when.of, true);
  if (when.kind === 'and' || when.kind === 'or')
    return when.of.some((one) => negatesCall(one, negated));
  return negated && (when.kind === 'path' || when.kind === 'command' || when.kind === 'host');
}

function* partsOf(call: GuardedCall): Generator<GuardedCall> {
  let parts = 0;
  const { touches, hosts, reading } = call;
  if (touches.length > 1)
    for (const touch of touches) if (parts++ < MAX_PARTS) yield { ...call, touches: [touch] };
  if (hosts.length > 1)
    for (const host of hosts) if (parts++ < MAX_PARTS) yield { ...call, hosts: [host] };
  if (reading !== undefined && reading.programs.length > 0) {
    const { command: _, ...rest } = call;
    for (const program of reading.programs)
      if (parts++ < MAX_PARTS) yield { ...rest, reading: { ...reading, programs: [program] } };
  }
}

/** Why a question is asked that no rule of anybody's asks. */
export const UNREADABLE: Rule = {
  name: 'unreadable-command',
  when: { kind: 'opaque' },
  action: 'ask',
  scope: 'builtin',
  text: 'opaque',
  message: 'The command hides what it does, so the rules cannot tell whether it is allowed.',
  root: '/',
};

/**
 * A command that hides what it does may do what a rule forbids. Where only the guard's own files are protected, it is asked for
 * only if it names one: else nobody with nothing but a budget could run `python -c`.
 */
function unreadable(
  call: GuardedCall,
  rules: readonly { rule: Rule; action: Action }[],
): Fired | undefined {
  const hidden = call.reading?.opaque.find(({ kind }) => kind === 'hidden');
  if (hidden === undefined) return undefined;
  // Whoever has a rule of their own on it has said what is to happen.
  if (
    rules.some(({ rule }) => rule.scope !== 'repo' && asks(rule.when, (c) => c.kind === 'opaque'))
  )
    return undefined;
  const strict = rules.filter(
    ({ rule, action }) => action !== 'alert' && asks(rule.when, (c) => OF_COMMANDS.has(c.kind)),
  );
  const concerned = strict.some(
    ({ rule }) => rule.fixed !== true || names(rule.when, call.command ?? ''),
  );
  if (!concerned) return undefined;
  const detail = `${shown(hidden.text, 120)} does not say what it does`;
  return { rule: UNREADABLE, action: 'ask', detail };
}

/** What a hidden command might do. */
const OF_COMMANDS = new Set<Condition['kind']>(['path', 'outside', 'command', 'host']);

function asks(when: Condition, about: (condition: Condition) => boolean): boolean {
  if (when.kind === 'not') return asks(when.of, about);
  if (when.kind === 'and' || when.kind === 'or') return when.of.some((one) => asks(one, about));
  return CALL_KINDS.has(when.kind) && about(when);
}

/** Whether a text holds a name that a path pattern is about. */
function names(when: Condition, text: string): boolean {
  return asks(
    when,
    (condition) =>
      condition.kind === 'path' &&
      condition.patterns.some(
        (pattern) =>
          'glob' in pattern &&
          pattern.glob
            .split(/[/*?{},]+/)
            .slice(-3)
            .some((part) => part.length > 5 && text.includes(part)),
      ),
  );
}
