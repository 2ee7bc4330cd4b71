/**
 * Questions to a person about one call: `~/.agent-strace/guard/asked/<id>.json`, answered by `<id>.answer` beside it. The hook waits;
 * no answer means no.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentId } from '../agents/agent.ts';
import { readProcess } from '../agents/process.ts';
import { codeOf, type FileProblem, writeSmallFile } from '../trace/files.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import { ensureGuardFolder, guardPlace } from './guardHome.ts';
import { createRecord, isRecordId, readRecord, recordNames, shownText } from './store.ts';

type Env = Record<string, string | undefined>;

export interface Approval {
  version: 1;
  /** 12 hex. */
  id: string;
  session: string;
  agent: AgentId | string;
  traceDir: string;
  project: string;
  rule: { name: string; text: string; file?: string; line?: number; message?: string };
  detail: string;
  /** `text`: the whole call, redacted, for who wants to read it before they answer. */
  call: { tool: string; target: string; id: string; text?: string };
  /** Seconds since the epoch. */
  at: number;
  /** … and when it is denied for want of an answer: before the agent's own hook timeout. */
  until: number;
  /** The hook that waits: gone, nobody waits. */
  pid: number;
  startTime: string;
}
export type Answer = 'allow' | 'deny';

/** Between two looks for an answer, ms. */
const LOOK_MS = 40;
/** Between two looks whether anybody can answer, ms. */
const LISTENING_MS = 1000;

const MAX_LISTENERS = 100;
/** Of a whole call, UTF-16 units. */
const MAX_TEXT = 16_384;

export type AnswerOrNot = Answer | 'timeout' | 'nobody';

/** Of this process; `performance` would cost every hook a millisecond. */
const nowMs = (): number => process.uptime() * 1000;

/** A question that was put; {@link close} takes it away, whatever came of it. */
interface Question {
  /** Undefined: no answer yet. */
  look(): AnswerOrNot | undefined;
  close(): void;
}

function put(approval: Approval, waitMs: number, env: Env): Question | 'nobody' {
  if (!listening(env)) return 'nobody';
  if (createRecord('asked', `${approval.id}.json`, approval, env) !== 'new') return 'nobody';
  const until = nowMs() + waitMs;
  let looked = nowMs();
  return {
    look() {
      const answer = readRecord('asked', `${approval.id}.answer`, env)?.answer;
      if (answer === 'allow' || answer === 'deny') return answer;
      const now = nowMs();
      if (now >= until) return 'timeout';
      if (now - looked > LISTENING_MS) {
        looked = now;
        if (!listening(env)) return 'nobody';
      }
      return undefined;
    },
    close() {
      for (const ending of ['json', 'answer']) {
        rmSync(guardPlace(env, 'asked', `${approval.id}.${ending}`), { force: true });
      }
    },
  };
}

/**
 * Puts a question to a person and waits, at rest but for a look every 40 ms. For a hook: it blocks.
 *
 * @param waitMs less than the agent waits for its hook
 * @returns `nobody`: no window shows questions, or the last one has closed
 */
export function askPerson(approval: Approval, waitMs: number, env: Env = process.env): AnswerOrNot {
  const question = put(approval, waitMs, env);
  if (question === 'nobody') return question;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  try {
    for (;;) {
      const answer = question.look();
      if (answer !== undefined) return answer;
      Atomics.wait(cell, 0, 0, LOOK_MS);
    }
  } finally {
    question.close();
  }
}

/** The same for a process that has other things to do. */
export async function askPersonAside(
  approval: Approval,
  waitMs: number,
  env: Env = process.env,
): Promise<AnswerOrNot> {
  const question = put(approval, waitMs, env);
  if (question === 'nobody') return question;
  try {
    for (;;) {
      const answer = question.look();
      if (answer !== undefined) return answer;
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  } finally {
    question.close();
  }
}

/** Questions that somebody waits for, the oldest first. */
export function pendingApprovals(env: Env = process.env): Approval[] {
  const now = Date.now() / 1000;
  const found: Approval[] = [];
  for (const id of recordNames('asked', '.json', env)) {
    const approval = approvalOf(id, readRecord('asked', `${id}.json`, env));
    if (approval === undefined || approval.until < now) continue;
    if (isAlive(approval.pid, approval.startTime)) found.push(approval);
  }
  return found.sort((a, b) => a.at - b.at);
}

/**
 * Answers a question. The first answer holds.
 *
 * @returns `late`: nobody waits for it any more, or it was answered
 */
export function answerApproval(
  id: string,
  answer: Answer,
  env: Env = process.env,
): 'done' | 'late' | { problem: FileProblem } {
  if (!isRecordId(id)) return { problem: 'EBADID' };
  const approval = approvalOf(id, readRecord('asked', `${id}.json`, env));
  if (approval === undefined || !isAlive(approval.pid, approval.startTime)) return 'late';
  const made = createRecord('asked', `${id}.answer`, { answer, at: Date.now() / 1000 }, env);
  return made === 'new' ? 'done' : made === 'known' ? 'late' : made;
}

/** Whether a process that shows questions to a person is there: looked at, not believed. */
export function listening(env: Env = process.env): boolean {
  return recordNames('listeners', '.json', env)
    .slice(0, MAX_LISTENERS)
    .some((name) => {
      const { pid, startTime } = readRecord('listeners', `${name}.json`, env) ?? {};
      return `${pid}` === name && isAlive(pid, startTime);
    });
}

/**
 * Tells hooks that this process shows questions ({@link pendingApprovals}) to a person, until {@link unlisten} or its end.
 *
 * @returns undefined, or why it cannot
 */
export function listen(env: Env = process.env): FileProblem | undefined {
  const startTime = startTimeOf(process.pid);
  try {
    writeSmallFile(
      join(ensureGuardFolder('listeners', env), `${process.pid}.json`),
      JSON.stringify({ pid: process.pid, startTime }),
    );
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

/** Never throws. */
export function unlisten(env: Env = process.env): void {
  try {
    rmSync(guardPlace(env, 'listeners', `${process.pid}.json`), { force: true });
  } catch {
    // It counts only while this process is there.
  }
}

/** Empty where the system does not say. */
export const startTimeOf = (pid: number): string => readProcess(pid)?.startTime ?? '';

function isAlive(pid: unknown, startTime: unknown): boolean {
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) return false;
  // A look costs a process there, too much for each time.
  if (process.platform !== 'linux') {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
  return typeof startTime === 'string' && startTime !== '' && startTimeOf(pid) === startTime;
}

function approvalOf(id: string, value: Record<string, unknown> | undefined): Approval | undefined {
  if (!isRecordId(id) || value?.version !== 1 || value.id !== id) return undefined;
  const { session, traceDir, at, until, pid, startTime } = value;
  const rule = value.rule as Record<string, unknown> | undefined;
  const call = value.call as Record<string, unknown> | undefined;
  if (!isSafeSessionId(session) || typeof traceDir !== 'string') return undefined;
  if (typeof at !== 'number' || typeof until !== 'number' || typeof pid !== 'number') {
    return undefined;
  }
  return {
    version: 1,
    id,
    session,
    agent: shownText(value.agent, 50) ?? '',
    traceDir,
    project: typeof value.project === 'string' ? value.project : '',
    rule: {
      name: shownText(rule?.name, 200) ?? '',
      text: shownText(rule?.text, 500) ?? '',
      ...(typeof rule?.file === 'string' && { file: rule.file }),
      ...(typeof rule?.line === 'number' && { line: rule.line }),
      ...(typeof rule?.message === 'string' && { message: shownText(rule.message, 500)! }),
    },
    detail: shownText(value.detail, 500) ?? '',
    call: {
      tool: shownText(call?.tool, 100) ?? '',
      target: shownText(call?.target, 200) ?? '',
      id: shownText(call?.id, 200) ?? '',
      ...(typeof call?.text === 'string' &&
        call.text !== '' && { text: call.text.slice(0, MAX_TEXT) }),
    },
    at,
    until,
    pid,
    startTime: typeof startTime === 'string' ? startTime : '',
  };
}
