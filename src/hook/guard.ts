/**
 * The guard in a hook, as a bundle of its own: loaded where rules exist. It decides before the tool runs, and writes down
 * what it said before it says it.
 */

import type { HookAnswer } from '../agents/agent.ts';
import { processState } from '../agents/process.ts';
import { asString as str } from '../agents/rows.ts';
import { isSetUpIn } from '../agents/setup/setUpFile.ts';
import {
  type AnswerOrNot,
  type Approval,
  askPerson,
  askPersonAside,
  startTimeOf,
} from '../guard/approvals.ts';
import type { Fired } from '../guard/decision/verdict.ts';
import { detailOf } from '../guard/deniedRuns.ts';
import { readChoices } from '../guard/guardHome.ts';
import type { RuleSet } from '../guard/rules/rule.ts';
import { settleOver } from '../guard/settleOver.ts';
import { readTrip } from '../guard/trips.ts';
import { randomEventId } from '../model/ids.ts';
import { claudeHooksLost } from './configGuard.ts';
import { Act, type At, builtIn, leadOf, ruleFacts } from './guardAct.ts';
import { type Decision, decisionOn, rulesOf } from './guardDecide.ts';
import type { AfterTool, BeforeTool, GuardMoment, GuardPart } from './guardMoment.ts';
import { ranAllTheSame } from './guardVerify.ts';
import {
  type Asked,
  callText,
  failureDetail,
  failureReason,
  questionFor,
  reasonFor,
  safeWords,
} from './guardWords.ts';
import { logProblem } from './log.ts';

/** What is to be said, or to be asked first. */
type Judged =
  | { say: 'nothing' }
  | { say: 'deny' | 'ask' | 'stop'; reason: string }
  | { say: 'question'; approval: Approval; waitMs: number; done(answer: AnswerOrNot): Judged };

const NOTHING: Judged = { say: 'nothing' };

export const beforeTool: GuardPart['beforeTool'] = (at) => {
  let judged = judge(at);
  if (judged.say === 'question') {
    judged = judged.done(askPerson(judged.approval, judged.waitMs));
  }
  return spoken(at, judged);
};

export const beforeToolAside: GuardPart['beforeToolAside'] = async (at) => {
  let judged = judge(at);
  if (judged.say === 'question') {
    judged = judged.done(await askPersonAside(judged.approval, judged.waitMs));
  }
  return 'reason' in judged ? judged.reason : undefined;
};

function spoken({ answerer, event }: GuardMoment, judged: Judged): HookAnswer | undefined {
  return 'reason' in judged ? answerer.answer(judged.say, judged.reason, event) : undefined;
}

function judge(at: BeforeTool): Judged {
  const decision = decisionOn(at);
  const { rules, verdict, call } = decision;
  const act = new Act(at, rules, call);
  tellProblems(at, rules);
  if (decision.cut === true) tellCut(at, rules);
  for (const fired of verdict.fired) {
    // A dry run tells all that would be done.
    if (fired.action !== 'alert' && rules.dryRun !== true) continue;
    if (act.trip(fired).isNew) act.tell(fired);
  }
  const lead = leadOf(verdict);
  if (lead === undefined) {
    const failure = verdict.failed && !rules.dryRun ? failedTo(at, verdict.failed, rules) : NOTHING;
    if (failure.say === 'nothing') act.allowed();
    return failure;
  }
  return lead.action === 'ask' ? question(at, act, lead) : denied(at, act, lead);
}

function denied(at: BeforeTool, act: Act, lead: Fired, asked?: Asked): Judged {
  const { action } = lead;
  const reason = reasonFor(lead, asked);
  const trip = act.trip(lead);
  act.verdict('deny', lead, trip.id);
  act.tellDenied(lead, reason, asked === undefined ? {} : { outcome: asked });
  if (action === 'pause' || action === 'kill') act.after(action, trip.id);
  if (action !== 'stop') return { say: 'deny', reason };
  // Whether a subagent's word ends the whole session is not known.
  const byWord = at.answerer.canStop && at.tool.subagent !== true;
  if (!byWord) act.after('stop', trip.id);
  return { say: 'stop', reason };
}

function question(at: BeforeTool, act: Act, lead: Fired): Judged {
  const { known, answerer, payload, agent, tool, holdMs } = at;
  if (readChoices().ask !== 'editor' && answerer.canAsk(payload, process.env)) {
    act.tell(lead, { outcome: 'asked' });
    act.allowed();
    return { say: 'ask', reason: questionFor(lead) };
  }
  const waitMs = Math.max(0, holdMs - process.uptime() * 1000);
  const now = Date.now() / 1000;
  const approval: Approval = {
    version: 1,
    id: randomEventId(),
    session: known.session_id,
    agent,
    traceDir: known.trace_dir,
    project: known.project,
    rule: ruleFacts(lead.rule),
    detail: safeWords(lead.detail, 300),
    call: {
      tool: tool.name,
      target: act.target,
      id: at.call?.event_id ?? tool.callId,
      text: callText(at.call?.data.arguments),
    },
    at: now,
    until: now + waitMs / 1000,
    pid: process.pid,
    startTime: startTimeOf(process.pid),
  };
  const done = (answer: AnswerOrNot): Judged => {
    if (answer !== 'allow') return denied(at, act, lead, answer);
    act.tell(lead, { outcome: 'allowed' });
    act.verdict('allow', lead);
    return NOTHING;
  };
  return { say: 'question', approval, waitMs, done };
}

/** A file of rules that cannot be read is not "no rules": the last good ones hold, and it is said. */
function tellProblems(at: At, { problems, stale, dryRun }: RuleSet): void {
  const [first] = problems;
  if (first === undefined) return;
  const place = first.file === '' ? '' : `${first.file}:${first.line}: `;
  const others = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const held = stale.length > 0 ? '; its last good version is in force' : '';
  const fired = builtIn('rule files', 'alert', '', at.known.project);
  fired.detail = `${place}${first.message}${others}${held}`;
  // One trip for one state of the files, not one for each call.
  const act = new Act(
    { ...at, call: undefined, tool: undefined },
    { ...NO_RULES, ...(dryRun && { dryRun }) },
  );
  if (act.trip(fired, 'prevent', fired.detail).isNew) act.tell(fired);
}

/** Traces only grow. Once a session: what was counted of it stands. */
function tellCut(at: At, rules: RuleSet): void {
  const detail =
    'the trace of this session was removed, or cut: what was counted before stands, and what it told is gone';
  const fired = builtIn('trace', 'alert', detail, at.known.project);
  const act = new Act({ ...at, call: undefined, tool: undefined }, { ...rules, rules: [] });
  if (act.trip(fired, 'verify', 'cut').isNew) act.tell(fired);
}

const NO_RULES: RuleSet = { rules: [], problems: [], stale: [] };

/** Where nothing can be decided, it is as the person chose; told once a session, or with each no. */
function failedTo(at: At, failed: 'deadline' | 'tail' | 'error', rules: RuleSet): Judged {
  const closed = at.closed || readChoices().fail === 'closed';
  const detail = failureDetail(failed);
  const fired = builtIn('guard', closed ? 'deny' : 'alert', detail, at.known.project);
  const act = new Act(at, rules);
  const trip = act.trip(fired, 'prevent', failed);
  if (!closed) {
    if (trip.isNew) act.tell(fired);
    return NOTHING;
  }
  const reason = failureReason(failed);
  act.verdict('deny', fired, trip.id);
  act.tellDenied(fired, reason);
  return { say: 'deny', reason };
}

export const failed: GuardPart['failed'] = (at, error) => {
  logProblem('guard', error);
  return spoken(at, failedTo(at, 'error', NO_RULES));
};

/** A budget that is spent: the model is not asked. Rules that only deny calls say nothing of a prompt. */
export const beforePrompt: GuardPart['beforePrompt'] = (at) => {
  const decision: Decision = decisionOn(at);
  const { rules, verdict } = decision;
  tellProblems(at, rules);
  const act = new Act(at, rules);
  const lead = verdict.fired.find(({ action }) => ENDS.has(action));
  if (lead === undefined) return undefined;
  const { isNew } = act.trip(lead);
  if (rules.dryRun === true) {
    if (isNew) act.tell(lead);
    return undefined;
  }
  act.tell(lead, { outcome: 'prompt' });
  return at.answerer.answer('deny', reasonFor(lead), at.event);
};

const ENDS: ReadonlySet<string> = new Set(['pause', 'stop', 'kill']);

/** A change of Claude Code's settings that takes our hooks out of them. */
export const configChange: GuardPart['configChange'] = (at) => {
  const file = str(at.payload.file_path);
  const lost = claudeHooksLost(file, (path) => isSetUpIn('claude', path));
  if (lost === undefined) return undefined;
  const rules = rulesOf(at);
  const fired = builtIn('settings', 'deny', lost, at.known.project);
  const act = new Act(at, rules);
  if (act.trip(fired, 'prevent', lost).isNew || rules.dryRun !== true) act.tell(fired);
  return rules.dryRun === true ? undefined : at.answerer.answer('deny', reasonFor(fired), at.event);
};

/** Frozen by a process of its own: never within the agent's own hook. */
export const afterTool: GuardPart['afterTool'] = (at: AfterTool) => {
  const ran = ranAllTheSame(at);
  if (ran === undefined) return;
  const { verdict, event: call } = ran;
  const fired = builtIn(verdict.rule ?? 'guard', 'pause', detailOf(ran), at.known.project);
  const denied = verdict.trip === undefined ? undefined : readTrip(verdict.trip);
  if (denied !== undefined) Object.assign(fired.rule, denied.rule);
  const act = new Act({ ...at, call: undefined }, NO_RULES, undefined, verdict.target);
  const trip = act.trip(fired, 'verify', call);
  if (!trip.isNew) return;
  act.tell(fired, { outcome: 'ran', call });
  act.after('pause', trip.id);
};

/**
 * What was to end the session has, and nothing of it is frozen. As long as its agent runs, that is only somebody's word: what
 * else waits for its end is settled when the agent is gone.
 */
export const sessionEnd: GuardPart['sessionEnd'] = ({ known }) => {
  const alive = processState(known) !== 'gone' && known.pid !== undefined;
  settleOver(known.session_id, process.env, alive ? ['stop'] : undefined);
};
