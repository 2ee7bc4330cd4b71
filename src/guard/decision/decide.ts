/** The decision itself: pure. */
import { actionWithin, type Place } from '../rules/reach.ts';
import {
  ACTIONS,
  type Action,
  asks,
  CALL_KINDS,
  type Condition,
  type Rule,
  type RuleSet,
  stricter,
} from '../rules/rule.ts';
import { nameOf, says } from './atStake.ts';
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
  where: Place;
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
    .map((rule) => ({ rule, action: actionWithin(rule.action, rule.scope, situation.where) }))
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
  if (best.truth === 'yes' || scene.call === undefined) return best;
  const kinds = negatedKinds(rule.when);
  if (kinds.size === 0) return best;
  let parts = 0;
  for (const call of partsOf(scene.call, kinds)) {
    // What is not looked at may be anything.
    if (++parts > MAX_PARTS) return { ...best, truth: truer(best.truth, 'maybe') };
    const finding = evaluate(rule.when, rule, { ...scene, call });
    if (truer(finding.truth, best.truth) !== best.truth) best = finding;
    if (best.truth === 'yes') break;
  }
  return best;
}

type Parts = 'path' | 'command' | 'host';

function negatedKinds(when: Condition, negated = false, kinds = new Set<Parts>()): Set<Parts> {
  if (when.kind === 'not') return negatedKinds(when.of, true, kinds);
  if (when.kind === 'and' || when.kind === 'or') {
    for (const one of when.of) negatedKinds(one, negated, kinds);
  } else if (negated && (when.kind === 'path' || when.kind === 'command' || when.kind === 'host')) {
    kinds.add(when.kind);
  }
  return kinds;
}

function* partsOf(call: GuardedCall, kinds: ReadonlySet<Parts>): Generator<GuardedCall> {
  const { touches, hosts, reading } = call;
  if (kinds.has('path') && touches.length > 1)
    for (const touch of touches) yield { ...call, touches: [touch] };
  if (kinds.has('host') && hosts.length > 1)
    for (const host of hosts) yield { ...call, hosts: [host] };
  if (kinds.has('command') && reading !== undefined && reading.programs.length > 0) {
    const { command: _, ...rest } = call;
    for (const program of reading.programs)
      yield { ...rest, reading: { ...reading, programs: [program] } };
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
  const all = call.reading?.opaque.filter(({ kind }) => kind === 'hidden') ?? [];
  const hidden = all.find(({ reason }) => reason !== 'code') ?? all[0];
  if (hidden === undefined) return undefined;
  const tame = hidden.reason === 'code';
  // Whoever has a rule of their own on it has said what is to happen.
  if (
    rules.some(
      ({ rule }) =>
        rule.scope !== 'repo' &&
        !(tame && rule.scope === 'builtin') &&
        asksOfCall(rule.when, (c) => c.kind === 'opaque'),
    )
  )
    return undefined;
  const strict = rules.filter(
    ({ rule, action }) =>
      action !== 'alert' &&
      !(tame && rule.scope === 'builtin') &&
      asksOfCall(rule.when, (c) => OF_COMMANDS.has(c.kind)),
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

/** Whether it asks for something of a call. */
const asksOfCall = (when: Condition, about: (condition: Condition) => boolean): boolean =>
  asks(when, (one) => CALL_KINDS.has(one.kind) && about(one));

/** Whether a text holds a name that a path pattern is about. */
const names = (when: Condition, text: string): boolean =>
  asksOfCall(
    when,
    (condition) =>
      condition.kind === 'path' &&
      condition.patterns.some((pattern) => 'glob' in pattern && says(text, nameOf(pattern.glob))),
  );
