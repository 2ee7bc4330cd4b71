/**
 * Holds a recorded session against a policy, by the same evaluator that the hook asks before a call. What the hook cannot know,
 * the files that a call turned out to touch, is looked at, too.
 */
import type {
  AuditedCall,
  AuditFinding,
  AuditList,
  DeniedCall,
  SensitiveTouch,
  SessionAudit,
} from '../model/audit.ts';
import type { SessionSummary } from '../model/summary.ts';
import { isSensitivePath } from '../redact/sensitivePath.ts';
import type { TraceSession } from '../trace/session.ts';
import { decide } from './decision/decide.ts';
import type { Facts } from './decision/facts.ts';
import type { GuardedCall, Touch } from './decision/guardedCall.ts';
import { shown } from './decision/words.ts';
import type { Disobeyed } from './deniedRuns.ts';
import { homeOf, isParsed, type RecordedCall, recordedCalls } from './recordedCalls.ts';
import type { Rule, RuleSet } from './rules/rule.ts';
import { isLiteral, type Pattern, textOf } from './shell/pattern.ts';
import type { OpaqueReason } from './shell/reading.ts';
import type { CallVerdict } from './verdicts.ts';

export interface AuditOptions {
  /** Of the policy. */
  rules: readonly Rule[];
  /** The trace was recorded on this machine. */
  local: boolean;
  /** The session's project, absolute. */
  root: string;
  /** What the guard said of the session's calls. */
  verdicts?: readonly CallVerdict[];
  /** Calls that ran although they were denied. */
  disobeyed?: readonly Disobeyed[];
}

/** Of each list; the rest is counted. */
const MOST = 2000;
/** Paths, hosts of one call that are named one by one. */
const MOST_OF_A_CALL = 100;

/** @returns the audit; what it yields are moments to let others work */
export function* auditSession(
  session: TraceSession,
  summary: SessionSummary,
  options: AuditOptions,
): Generator<undefined, SessionAudit> {
  const auditor = new Auditor(session, summary, options);
  for (const recorded of recordedCalls(session, options)) {
    if (recorded === undefined) yield undefined;
    else auditor.look(recorded);
  }
  return auditor.end();
}

const NOTHING_KNOWN: Facts = {
  metric: () => undefined,
  repeats: () => 0,
  sequence: () => 0,
  unpriced: [],
};

class Auditor {
  private readonly found: SessionAudit;
  private readonly set: RuleSet;
  private readonly sets = new Map<Rule, RuleSet>();
  private readonly home: string;
  private readonly sensitive = new Map<string, SensitiveTouch>();
  private readonly denials = new Map<string, CallVerdict>();
  private readonly disobeyed: Map<string, Disobeyed>;

  constructor(session: TraceSession, summary: SessionSummary, options: AuditOptions) {
    this.set = { rules: [...options.rules], problems: [], stale: [] };
    this.home = homeOf(session.fold.session.cwd || options.root);
    for (const verdict of options.verdicts ?? []) {
      // Asked again and allowed: the last word holds.
      for (const id of [verdict.call, verdict.event ?? '']) {
        if (verdict.said === 'deny') this.denials.set(id, verdict);
        else this.denials.delete(id);
      }
    }
    this.denials.delete('');
    this.disobeyed = new Map((options.disobeyed ?? []).map((each) => [each.event, each]));
    this.found = {
      session_id: session.id,
      title: summary.title,
      agent: summary.agent,
      cwd: session.fold.session.cwd,
      started_at: Math.round(summary.startedAtMs) / 1000,
      checked: 0,
      violations: [],
      unclear: [],
      sensitive: [],
      denied: [],
      ran: [],
      unreadable: [],
      more: { violations: 0, unclear: 0, sensitive: 0, denied: 0, ran: 0, unreadable: 0 },
    };
  }

  look(recorded: RecordedCall): void {
    const { call, outcome, event } = recorded;
    this.found.checked++;
    const where = whereOf(recorded);
    const id = typeof event.data.tool_use_id === 'string' ? call.callId : '';
    const verdict = this.denials.get(event.event_id) ?? this.denials.get(id);
    const disobeyed = this.disobeyed.get(event.event_id) ?? this.disobeyed.get(id);
    const held = recorded.denied || (verdict !== undefined && recorded.end === undefined);
    if ((recorded.denied || verdict !== undefined) && disobeyed === undefined)
      this.add('denied', this.deniedCall(recorded, where, verdict));
    if (disobeyed !== undefined) {
      this.disobeyed.delete(disobeyed.event);
      const denied = this.deniedCall(recorded, where, disobeyed.verdict);
      this.add('ran', { ...denied, proof: disobeyed.proof });
    }
    // What did not happen broke nothing.
    if (held && disobeyed === undefined) return;
    const fired = new Set<string>();
    this.judge(call, where, fired);
    if (outcome !== undefined) this.judge(outcome, where, fired);
    for (const touch of [...call.touches, ...(outcome?.touches ?? [])])
      this.lookAtSecret(touch, where);
    this.lookAtWords(recorded, where);
  }

  end(): SessionAudit {
    // Of calls that the trace does not have any more.
    for (const { verdict, event, proof } of this.disobeyed.values()) {
      const { at, tool, call, target = '', rule } = verdict;
      this.add('ran', {
        ...{ step: 0, at, tool, call, event, by: 'guard', target, proof },
        ...(rule !== undefined && { rule }),
      });
    }
    return this.found;
  }

  private add<K extends AuditList>(list: K, item: SessionAudit[K][number]): void {
    const all = this.found[list] as SessionAudit[K][number][];
    if (all.length < MOST) all.push(item);
    else this.found.more[list]++;
  }

  private deniedCall(
    { call, end }: RecordedCall,
    where: AuditedCall,
    verdict: CallVerdict | undefined,
  ): DeniedCall {
    const by = end?.data.denied_by;
    return {
      ...where,
      by: verdict !== undefined ? 'guard' : typeof by === 'string' ? shown(by, 40) : 'agent',
      target: targetOf(call),
      ...(verdict?.rule !== undefined && { rule: verdict.rule }),
    };
  }

  private judge(call: GuardedCall, where: AuditedCall, fired: Set<string>): void {
    if (this.set.rules.length === 0) return;
    const { fired: all } = this.decided(this.set, call);
    for (const { rule } of all) {
      // A command that hides what it does is told by itself.
      if (!this.set.rules.includes(rule)) continue;
      if (rule.name === 'commands.allow' && !isParsed(call)) continue;
      if (kindOf(rule) === 'command' && this.judgePrograms(rule, call, where, fired)) continue;
      for (const part of partsOf(call, rule)) this.judgeOne(rule, part, call, where, fired);
    }
  }

  /** Of a long command the program that it is about is named. @returns false: none by itself */
  private judgePrograms(
    rule: Rule,
    call: GuardedCall,
    where: AuditedCall,
    fired: Set<string>,
  ): boolean {
    const { command: _, reading, ...rest } = call;
    if (reading === undefined || reading.programs.length < 2) return false;
    let found = false;
    for (const program of reading.programs.slice(0, MOST_OF_A_CALL)) {
      const part = { ...rest, reading: { ...reading, programs: [program] } };
      if (this.judgeOne(rule, part, call, where, fired)) found = true;
    }
    return found;
  }

  private judgeOne(
    rule: Rule,
    part: GuardedCall,
    call: GuardedCall,
    where: AuditedCall,
    fired: Set<string>,
  ): boolean {
    const one = this.decided(this.alone(rule), part).fired.find((each) => each.rule === rule);
    if (one === undefined) return false;
    const about = aboutOf(rule, part, call);
    const key = `${rule.name}\0${about.path ?? about.host ?? one.detail}`;
    if (fired.has(key)) return true;
    fired.add(key);
    this.add(one.action === 'ask' ? 'unclear' : 'violations', {
      ...where,
      rule: rule.name,
      ...(rule.file !== undefined && { file: rule.file, line: rule.line ?? 1 }),
      detail: one.detail,
      ...about,
    });
    return true;
  }

  private decided(rules: RuleSet, call: GuardedCall) {
    return decide({
      rules,
      call,
      facts: NOTHING_KNOWN,
      nowMs: 0,
      where: 'trusted',
      home: this.home,
    });
  }

  /** One set for each rule: what is made of its patterns is kept with the set. */
  private alone(rule: Rule): RuleSet {
    let set = this.sets.get(rule);
    if (set === undefined) {
      set = { rules: [rule], problems: [], stale: [] };
      this.sets.set(rule, set);
    }
    return set;
  }

  private lookAtSecret({ path, access, how }: Touch, where: AuditedCall): void {
    if (path === undefined || !isLiteral(path)) return;
    const text = textOf(path);
    if (!isSensitivePath(text) || isGitsOwn(text, access, how)) return;
    const key = `${access} ${text}`;
    const known = this.sensitive.get(key);
    if (known !== undefined) {
      if (known.step !== where.step) known.times++;
      return;
    }
    const found: SensitiveTouch = { ...where, path: text, access, times: 1 };
    if (this.sensitive.size < MOST) this.sensitive.set(key, found);
    this.add('sensitive', found);
  }

  private lookAtWords({ call, cut }: RecordedCall, where: AuditedCall): void {
    const hidden = call.reading?.opaque.find(({ kind }) => kind === 'hidden');
    if (cut) {
      const reason = 'it is cut in the trace';
      this.add('unreadable', { ...where, reason, text: shown(targetOf(call), 200) });
    } else if (hidden !== undefined)
      this.add('unreadable', {
        ...where,
        reason: REASONS[hidden.reason],
        text: shown(hidden.text, 200),
      });
  }
}

const REASONS: Record<OpaqueReason, string> = {
  unparsable: 'it is no command that a shell could run',
  tooLong: 'it is too long',
  unknownProgram: 'the program it runs is not known',
  eval: 'it runs a text as a command',
  interpreter: 'code for an interpreter',
  code: 'runs code that is not all read',
  pipedToShell: 'it runs what comes out of another program',
  otherShell: 'a script for another kind of shell',
  environment: 'it changes which programs are run',
  loadedCode: 'it loads code',
  container: 'it runs in a container',
  writtenHere: 'it runs what it has written itself',
  sourced: 'it runs a file in the same shell',
  script: 'it runs a script',
  task: 'it runs a task',
};

function whereOf({ step, event, call }: RecordedCall): AuditedCall {
  return {
    step,
    at: event.timestamp,
    tool: shown(call.tool, 100),
    call: shown(call.callId, 200),
    event: event.event_id,
    ...(call.agentId !== undefined && { agent_id: shown(call.agentId, 100) }),
  };
}

/** What a call is about, in a line. */
export function targetOf({ command, touches, hosts }: GuardedCall): string {
  const path = touches.find((touch) => touch.path !== undefined)?.path;
  const host = hosts.find((each) => each !== undefined);
  return shown(command ?? (path === undefined ? (host ?? '') : textOf(path)), 200);
}

/** Looking into git's own folder is what git does all the time; writing there is another thing. */
const isGitsOwn = (path: string, access: Touch['access'], how: string): boolean =>
  /\/\.git(\/|$)/.test(path) &&
  (access === 'read' || access === 'unknown' || how.startsWith('git'));

type Kind = AuditFinding['kind'];

const kindOf = ({ name }: Rule): Kind =>
  name.startsWith('files.read')
    ? 'read'
    : name.startsWith('files.write')
      ? 'write'
      : name.startsWith('network')
        ? 'host'
        : 'command';

/** Each path and host by itself, so that each is named; a command is one. */
function* partsOf(call: GuardedCall, rule: Rule): Generator<GuardedCall> {
  const kind = kindOf(rule);
  let parts = 0;
  if (kind === 'host' && call.hosts.length > 1) {
    for (const host of call.hosts) if (parts++ < MOST_OF_A_CALL) yield { ...call, hosts: [host] };
  } else if ((kind === 'read' || kind === 'write') && call.touches.length > 1) {
    for (const touch of call.touches)
      if (parts++ < MOST_OF_A_CALL) yield { ...call, touches: [touch] };
    if (parts <= MOST_OF_A_CALL) return;
    yield { ...call, touches: call.touches.slice(MOST_OF_A_CALL) };
  } else yield call;
}

function aboutOf(
  rule: Rule,
  { touches, hosts }: GuardedCall,
  { command }: GuardedCall,
): Pick<AuditFinding, 'kind' | 'path' | 'command' | 'host'> {
  const kind = kindOf(rule);
  const plain = (pattern: Pattern | undefined): string | undefined =>
    pattern === undefined ? undefined : shown(textOf(pattern), 1000);
  const path = kind === 'read' || kind === 'write' ? plain(touches[0]?.path) : undefined;
  const host = kind === 'host' ? plain(hosts[0]) : undefined;
  return {
    kind,
    ...(path !== undefined && { path }),
    ...(host !== undefined && { host }),
    ...(command !== undefined && { command: shown(command, 300) }),
  };
}
