import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import {
  identityOf,
  ownRecord,
  processState,
  readProcess,
  type SessionRecord,
  writeSessionRecord,
} from '../agents/process.ts';
import { chooseMask } from '../trace/choices.ts';
import { LiveSessions } from './liveSessions.ts';

const ID = 'cfead79c-5438-40f8-bd9d-7d9dfefcc4c6';
const fixture = new URL(`../../test/fixtures/claude/transcripts/main/${ID}.jsonl`, import.meta.url);

let root: string;
let traceDir: string;
let transcript: string;
let live: LiveSessions | undefined;
const saved = { ...process.env };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'usage-'));
  traceDir = join(root, 'project', '.agent-traces');
  process.env.AGENT_STRACE_HOME = join(root, 'state');
  process.env.CLAUDE_CONFIG_DIR = join(root, 'claude');
  const folder = join(root, 'claude', 'projects', '-project');
  mkdirSync(folder, { recursive: true });
  transcript = join(folder, `${ID}.jsonl`);
});
afterEach(async () => {
  await live?.dispose();
  live = undefined;
  process.env = { ...saved };
  rmSync(root, { recursive: true, force: true });
});

/** As the hook writes it, of this very process. */
function record(change: Partial<SessionRecord> = {}): SessionRecord {
  const written: SessionRecord = {
    version: 1,
    session_id: ID,
    agent: 'claude',
    ...identityOf(readProcess(process.pid)!),
    trace_dir: traceDir,
    project: join(root, 'project'),
    first_seen: Date.now() / 1000,
    ...change,
  };
  writeSessionRecord(written);
  return written;
}

function start(readTranscripts = true): TraceWriter {
  const writer = new TraceWriter(traceDir, ID);
  writer.write(
    writer.event('session_start', { agent_name: 'claude-code', transcript_path: transcript }),
    writer.event('user_prompt', { prompt: 'Go' }),
  );
  live = new LiveSessions({
    folders: [{ traceDir, workspace: 'project' }],
    loadPricer: () => Promise.resolve(undefined),
    readTranscripts,
    problem: (message) => {
      throw new Error(message);
    },
  });
  return writer;
}

const responses = (): number => live?.sessions[0]?.trace.fold.cost.total.responses ?? 0;

async function until(probe: () => boolean, ms = 5000): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    if (probe()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

it('adds what the transcript says to the trace while the session runs, each response once', async () => {
  record();
  const rows = readFileSync(fixture, 'utf8').split('\n').filter(Boolean);
  const half = rows.length >> 1;
  appendFileSync(transcript, `${rows.slice(0, half).join('\n')}\n`);
  const writer = start();
  expect(await until(() => responses() > 0)).toBe(true);
  const first = responses();
  appendFileSync(transcript, `${rows.slice(half).join('\n')}\n`);
  expect(await until(() => responses() > first)).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const lines = readFileSync(writer.file, 'utf8').trim().split('\n');
  const told = lines
    .map((line) => JSON.parse(line) as { event_type: string; event_id: string })
    .filter(({ event_type }) => event_type === 'llm_response');
  expect(new Set(told.map(({ event_id }) => event_id)).size).toBe(responses());
});

it.each([
  ['takes secrets out', undefined, false],
  ['leaves them in where the person says so', '1', true],
] as const)('%s', async (_what, setting, left) => {
  if (setting !== undefined) process.env.AGENT_TRACE_NO_REDACT = setting;
  record();
  // Its beginning, with a secret of a well-known form in what the agent says.
  const secret = `ghp_${'A1b2C3d4E5'.repeat(4).slice(0, 36)}`;
  const text = readFileSync(fixture, 'utf8').replaceAll(
    /("type":"text","text":")/g,
    (start) => `${start}The token is ${secret} `,
  );
  expect(text).toContain(secret);
  appendFileSync(transcript, text);
  const writer = start();
  expect(await until(() => readFileSync(writer.file, 'utf8').includes('The token is'))).toBe(true);
  expect(readFileSync(writer.file, 'utf8').includes(secret)).toBe(left);
});

it('follows no transcript of a trace that our hook did not write here', async () => {
  appendFileSync(transcript, readFileSync(fixture));
  start();
  expect(await until(() => responses() > 0, 1500)).toBe(false);
  // A record of another folder: somebody copied the trace.
  record({ trace_dir: join(root, 'elsewhere', '.agent-traces') });
  expect(await until(() => responses() > 0, 3000)).toBe(false);
});

it('reads no transcript where it must not', async () => {
  record();
  appendFileSync(transcript, readFileSync(fixture));
  start(false);
  expect(await until(() => responses() > 0, 1500)).toBe(false);
});

it.runIf(process.platform === 'linux')('knows whether the agent is still there', () => {
  const alive = record();
  expect(ownRecord(traceDir, ID)).toEqual(alive);
  expect(ownRecord(join(root, 'x'), ID)).toBeUndefined();
  expect(processState(alive)).toBe('alive');
  expect(processState({ ...alive, start_time: '1' })).toBe('gone');
  expect(processState({ ...alive, boot_id: 'another' })).toBe('gone');
  expect(processState({ ...alive, pid_ns: 'another' })).toBe('unknown');
  expect(processState(undefined)).toBe('unknown');
});

it('knows its own trace by whatever path the folder was opened', () => {
  mkdirSync(join(root, 'project'));
  symlinkSync(join(root, 'project'), join(root, 'link'));
  const written = record();
  expect(ownRecord(join(root, 'link', '.agent-traces'), ID)).toEqual(written);
  expect(ownRecord(join(root, '.agent-traces'), ID)).toBeUndefined();
});

it.runIf(process.platform === 'linux')('tells an agent that is stopped', async () => {
  const child = spawn('sleep', ['30']);
  try {
    const stopped = record(identityOf(readProcess(child.pid!)!));
    child.kill('SIGSTOP');
    expect(await until(() => processState(stopped) === 'stopped', 3000)).toBe(true);
    child.kill('SIGCONT');
    expect(await until(() => processState(stopped) === 'alive', 3000)).toBe(true);
  } finally {
    child.kill('SIGKILL');
  }
});

it('masks as the agent that is recorded does, and when the choice changes', async () => {
  const mail = 'jane.doe@acme-corp.com';
  const say = (id: string, text: string): void =>
    appendFileSync(
      transcript,
      `${JSON.stringify({
        type: 'assistant',
        uuid: id,
        sessionId: ID,
        timestamp: new Date().toISOString(),
        requestId: `req_${id}`,
        message: {
          id,
          model: 'claude-opus-5-5',
          role: 'assistant',
          content: [{ type: 'text', text }],
          usage: { input_tokens: 1, output_tokens: 2 },
        },
      })}\n`,
    );
  record({ mask: true });
  say('msg_1', `first ${mail}`);
  const writer = start();
  const text = (): string => readFileSync(writer.file, 'utf8');
  expect(await until(() => text().includes('first [REDACTED:email]'))).toBe(true);
  live!.sessions[0]!.record = record();
  say('msg_2', `second ${mail}`);
  expect(await until(() => text().includes(`second ${mail}`), 8000)).toBe(true);
  chooseMask(true);
  say('msg_3', `third ${mail}`);
  expect(await until(() => text().includes('third [REDACTED:email]'), 8000)).toBe(true);
});
