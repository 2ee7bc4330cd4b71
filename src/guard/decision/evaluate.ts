/** One condition against one call and the facts of its session. */
import type { Access, Condition, Operator, Rule, TextPattern } from '../rules/rule.ts';
import { isGlob, isUnknown, pathsMeet, textOf } from '../shell/pattern.ts';
import type { OpaqueReason } from '../shell/reading.ts';
import { atStake, STASHES, type Stake } from './atStake.ts';
import { runs } from './commandPattern.ts';
import type { Facts } from './facts.ts';
import type { GuardedCall, Touch } from './guardedCall.ts';
import type { Matchers } from './matchers.ts';
import { meets, SIGNS_IN, textGlob } from './pathGlob.ts';
import { falser, negated, type Truth, truer } from './truth.ts';
import { loopText, metricText, named, shown, stakeText, touchText } from './words.ts';

export interface Scene {
  call: GuardedCall | undefined;
  facts: Facts;
  nowMs: number;
  matchers: Matchers;
  home: string;
  /** Absolute; where there is none each rule's root is the project. */
  project: string | undefined;
  temporary: readonly string[];
  ignoreCase: boolean;
  raised: Record<string, number>;
  /** Within a "not". */
  negated?: boolean;
  /** @throws where time is up */
  tick: () => void;
}

/** What was found, for people. */
export interface Finding {
  truth: Truth;
  detail: string;
  value?: number;
  limit?: number;
}

const NO: Finding = { truth: 'no', detail: '' };

/** @throws Undecidable, or what `tick` throws */
export function evaluate(when: Condition, rule: Rule, scene: Scene): Finding {
  scene.tick();
  switch (when.kind) {
    case 'and':
    case 'or':
      return joined(when.kind, when.of, rule, scene);
    case 'not': {
      const { truth } = evaluate(when.of, rule, { ...scene, negated: !scene.negated });
      return { truth: negated(truth), detail: '' };
    }
    case 'metric':
      return metric(when, rule, scene);
    case 'loop': {
      const limit = raisedLimit(rule, scene, when.calls);
      const count = scene.facts.repeats(scene.call?.key ?? '', when.window);
      if (count < limit) return NO;
      return {
        truth: 'yes',
        detail: loopText(scene.call?.tool, count, when.window),
        value: count,
        limit,
      };
    }
    case 'sequence': {
      const limit = raisedLimit(rule, scene, when.repeats);
      const count = scene.facts.sequence(scene.call?.key, when.length);
      if (count < limit) return NO;
      const detail = `the same sequence of calls was made ${count} times in a row`;
      return { truth: 'yes', detail, value: count, limit };
    }
    default:
      return scene.call === undefined ? NO : ofCall(when, rule, scene, scene.call);
  }
}

function joined(kind: 'and' | 'or', of: Condition[], rule: Rule, scene: Scene): Finding {
  const found: Finding[] = [];
  for (const one of of) {
    const finding = evaluate(one, rule, scene);
    found.push(finding);
    if (kind === 'and' ? finding.truth === 'no' : finding.truth === 'yes') break;
  }
  const pick = kind === 'and' ? falser : truer;
  const truth = found.map((one) => one.truth).reduce(pick, kind === 'and' ? 'yes' : 'no');
  const telling = found.filter((one) => one.detail !== '' && one.truth !== 'no');
  // Of alternatives one is enough.
  const said = kind === 'and' ? telling : telling.filter((one) => one.truth === truth).slice(0, 1);
  const numbers = said.find((one) => one.value !== undefined);
  return {
    truth: of.length === 0 ? 'no' : truth,
    detail: toldOnce(said.map(({ detail }) => detail)).join(', and '),
    ...(numbers?.value !== undefined && { value: numbers.value }),
    ...(numbers?.limit !== undefined && { limit: numbers.limit }),
  };
}

/** Without what another says, too. */
const toldOnce = (details: readonly string[]): string[] =>
  [...new Set(details)].filter(
    (one, _, all) => !all.some((other) => other !== one && other.startsWith(one)),
  );

const raisedLimit = (rule: Rule, { raised }: Scene, limit: number): number =>
  Object.hasOwn(raised, rule.name) ? Math.max(limit, raised[rule.name]!) : limit;

function metric(
  { metric: name, op, value: given }: Extract<Condition, { kind: 'metric' }>,
  rule: Rule,
  scene: Scene,
): Finding {
  const limit = op === '>' || op === '>=' ? raisedLimit(rule, scene, given) : given;
  const value = scene.facts.metric(name, scene.nowMs);
  if (value === undefined || Number.isNaN(value)) return { truth: 'unknown', detail: '' };
  if (!compares(value, op, limit)) return NO;
  return { truth: 'yes', detail: metricText(name, value, op, limit), value, limit };
}

function compares(value: number, op: Operator, limit: number): boolean {
  switch (op) {
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '==':
      return value === limit;
    default:
      return value !== limit;
  }
}

function ofCall(when: Condition, rule: Rule, scene: Scene, call: GuardedCall): Finding {
  const { matchers } = scene;
  switch (when.kind) {
    case 'tool': {
      const hit = when.patterns.some((pattern) => matchers.text(pattern)(call.tool));
      return hit ? { truth: 'yes', detail: `calls ${call.tool}` } : NO;
    }
    case 'mcp_server': {
      const server = call.mcpServer;
      if (server === undefined) return NO;
      const hit = when.patterns.some((pattern) => matchers.text(pattern)(server));
      return hit ? { truth: 'yes', detail: `calls the MCP server ${server}` } : NO;
    }
    case 'secret':
      return call.secrets.length === 0
        ? NO
        : { truth: 'yes', detail: `sends a secret out (${call.secrets.slice(0, 3).join(', ')})` };
    case 'opaque': {
      const hidden = call.reading?.opaque.find(
        ({ kind, reason }) => kind === 'hidden' && isReason(reason, when.reasons, rule),
      );
      if (hidden !== undefined)
        return { truth: 'yes', detail: `${shown(hidden.text, 80)} does not say what it does` };
      return call.command !== undefined && call.reading === undefined
        ? { truth: 'maybe', detail: 'the command was not read' }
        : NO;
    }
    case 'command':
      return command(when, scene, call);
    case 'host':
      return host(when.patterns, scene, call);
    case 'path':
      return strongest(touchesFor(when, rule, scene, call), when.access, scene, (touch) => {
        const { truth, file, advice } = onPath(touch, when.patterns, rule, scene, call);
        const project = place(rule, scene);
        return { truth, detail: stakeText(touchText(touch, project), project, file, advice) };
      });
    case 'outside':
      return strongest(touchesFor(when, rule, scene, call), when.access, scene, (touch) => ({
        truth: outside(touch, place(rule, scene), scene),
        detail: `${touchText(touch, place(rule, scene))}, outside the project`,
      }));
    default:
      return NO;
  }
}

/** Code that reaches for nothing is an interpreter's, too, for all who do not tell the two apart. */
const isReason = (
  reason: OpaqueReason,
  wanted: OpaqueReason[] | undefined,
  { scope }: Rule,
): boolean =>
  wanted === undefined ||
  wanted.includes(reason) ||
  (reason === 'code' && scope !== 'builtin' && wanted.includes('interpreter'));

/** Tools that tell names of files, and nothing of what is in them. */
export const TELLS_NAMES =
  /^(glob|ls|list|list_dir|list_directory|file_search|glob_file_search|read_project_structure)$/i;

const NAMED_DELETION =
  /delete|remove|unlink|trash|erase|purge|clean|wipe|prune|move|rename|(^|_)(rm|mv)(_|$)/i;

function touchesFor(
  when: Extract<Condition, { kind: 'path' | 'outside' }>,
  rule: Rule,
  scene: Scene,
  call: GuardedCall,
): readonly Touch[] {
  const { touches, command } = call;
  if (rule.scope === 'builtin' && when.access === 'read')
    return touches.filter(({ how }) => !SIGNS_IN.test(how));
  // A program that is given a path is no deletion of it: for a rule that everybody has, that would be too much.
  // Nor does a tool of a server delete what it is given, unless it is called so.
  if (
    rule.scope === 'builtin' &&
    when.access === 'delete' &&
    (call.reading !== undefined || !NAMED_DELETION.test(call.tool))
  )
    return touches.filter(({ access }) => access !== 'unknown');
  if (when.kind !== 'path' || when.known !== true) return touches;
  const project = place(rule, scene);
  return touches.filter(({ access, how, path }) => {
    if (access === 'unknown' && command !== undefined) return false;
    const inside = path !== undefined && isAtOrBelow(textOf(path), project);
    return !(access === 'read' && inside && TELLS_NAMES.test(how));
  });
}

const place = (rule: Rule, { project }: Scene): string => project ?? rule.root;

function strongest(
  touches: readonly Touch[],
  access: Access,
  scene: Scene,
  look: (touch: Touch) => Finding,
): Finding {
  let best = NO;
  for (const touch of touches) {
    if (!isOf(touch, access)) continue;
    scene.tick();
    const finding = look(touch);
    if (truer(finding.truth, best.truth) !== best.truth) best = finding;
    if (best.truth === 'yes') break;
  }
  return best;
}

/** What is not known to read or write does both. */
const isOf = ({ access: does }: Touch, wanted: Access): boolean =>
  wanted === 'any' ||
  does === 'unknown' ||
  (wanted === 'write' ? does === 'write' || does === 'delete' : does === wanted);

function onPath(
  touch: Touch,
  patterns: readonly TextPattern[],
  rule: Rule,
  scene: Scene,
  call: GuardedCall,
): Stake {
  const { home, ignoreCase } = scene;
  const project = place(rule, scene);
  let best: Stake = { truth: 'no' };
  for (const pattern of patterns) {
    if ('regex' in pattern)
      best = truerStake(best, { truth: byRegex(touch, pattern.regex, scene) });
    else {
      const globs = scene.matchers.path(pattern.glob, { root: rule.root, home, ignoreCase });
      for (const glob of globs) {
        scene.tick();
        const truth = meets(touch, glob, { project, ignoreCase });
        const stake =
          rule.scope === 'builtin' || STASHES.test(touch.how)
            ? atStake(touch, glob, truth, call, { project, home })
            : { truth };
        best = truerStake(best, stake);
      }
    }
    if (best.truth === 'yes') break;
  }
  // What it was given is that path in any case: for a rule on all others that is no maybe.
  const vague = isGiven(touch, scene) && scene.negated !== true;
  return best.truth !== 'no' && vague ? { ...best, truth: 'maybe' } : best;
}

const truerStake = (a: Stake, b: Stake): Stake => (truer(b.truth, a.truth) === a.truth ? a : b);

/** A program that was given a path need not open it; a tool of whatever server is taken at its word. */
const isGiven = ({ access }: Touch, { call }: Scene): boolean =>
  access === 'unknown' && call?.reading !== undefined;

function byRegex(touch: Touch, source: string, { matchers }: Scene): Truth {
  if (touch.path === undefined) return 'maybe';
  const regex = matchers.regex(source);
  if (regex.test(textOf(touch.path))) return isLiteralPath(touch.path) ? 'yes' : 'maybe';
  if (touch.holds?.some((name) => regex.test(`${textOf(touch.path!)}/${name}`))) return 'some';
  // `*.env` may become what the expression is about; only that of a name is looked at.
  const vague = isUnknown(touch.path) || (isGlob(touch.path) && !touch.path.includes('**'));
  return vague && touch.access !== 'read' ? 'maybe' : 'no';
}

const isLiteralPath = (path: string): boolean => !isGlob(path) && !isUnknown(path);

function outside(touch: Touch, project: string, scene: Scene): Truth {
  if (touch.path === undefined) return 'maybe';
  const inside = [project, ...scene.temporary];
  const path = touch.path;
  const parts = path.split('/');
  const first = parts.findIndex((part) => !isLiteralPath(part));
  const known = textOf((first < 0 ? parts : parts.slice(0, first)).join('/')) || '/';
  const same = (text: string): string => (scene.ignoreCase ? text.toLowerCase() : text);
  if (inside.some((folder) => isAtOrBelow(same(known), same(folder)))) return 'no';
  if (first < 0) return isGiven(touch, scene) ? 'maybe' : 'yes';
  // A star above the project may stand for the project.
  return inside.some((folder) => pathsMeet(path, `${folder}/**`)) ? 'maybe' : 'yes';
}

const isAtOrBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

function command(
  { patterns, first }: Extract<Condition, { kind: 'command' }>,
  scene: Scene,
  call: GuardedCall,
): Finding {
  const programs = call.reading?.programs ?? [];
  if (call.command === undefined && programs.length === 0) return NO;
  const detail = (): string => `runs ${shown(call.command ?? programs[0]!.words.join(' '), 120)}`;
  let best: Truth = 'no';
  for (const pattern of patterns) {
    scene.tick();
    if ('regex' in pattern) {
      const regex = scene.matchers.regex(pattern.regex);
      const hit =
        (call.command !== undefined && regex.test(call.command)) ||
        programs.some(({ words }) => regex.test(words.join(' ')));
      if (hit) best = 'yes';
    } else {
      for (const one of scene.matchers.command(pattern.glob)) {
        scene.tick();
        best = truer(best, runs(one, programs, call.command, first));
      }
    }
    if (best === 'yes') break;
  }
  if (best === 'no' && call.reading === undefined && call.command !== undefined)
    return { truth: 'maybe', detail: detail() };
  return best === 'no' ? NO : { truth: best, detail: detail() };
}

function host(patterns: readonly TextPattern[], scene: Scene, call: GuardedCall): Finding {
  let best = NO;
  for (const one of call.hosts) {
    scene.tick();
    if (one === undefined) {
      if (best.truth === 'no')
        best = { truth: 'maybe', detail: 'talks to a host that is not known' };
      continue;
    }
    for (const pattern of patterns) {
      const truth = hostMatches(one, pattern, scene);
      if (truer(truth, best.truth) !== best.truth)
        best = { truth, detail: `talks to ${named(one)}` };
    }
    if (best.truth === 'yes') break;
  }
  return best;
}

function hostMatches(host: string, pattern: TextPattern, { matchers }: Scene): Truth {
  const text = textOf(host);
  const vague = !isLiteralPath(host);
  if ('regex' in pattern) return matchers.regex(pattern.regex).test(text) ? 'yes' : 'no';
  const glob = pattern.glob.trim().toLowerCase().replace(/\.$/, '');
  const bare = text.replace(/\.$/, '');
  if (!vague) return textGlob(glob)(bare) ? 'yes' : 'no';
  return pathsMeet(`/${host}`, `/${glob.replaceAll('/', '')}`) ? 'maybe' : 'no';
}
