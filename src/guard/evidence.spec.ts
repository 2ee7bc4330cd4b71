import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import type { AgentId, HookRecorder } from '../agents/agent.ts';
import { claudeRecorder } from '../agents/claude/recorder.ts';
import { transcriptSourceOf } from '../agents/transcripts.ts';
import { recorders } from '../hook/agents.ts';
import { callKey } from '../model/callKey.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { EvidenceReader } from './evidence.ts';
import { proofOfRun } from './proofOfRun.ts';
import { appendVerdict } from './verdicts.ts';

const FIXTURES = join(import.meta.dirname, '../../test/fixtures');

const linesOf = (path: string): JsonObject[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as JsonObject);

/** What real agents wrote down of a session, as events. */
function transcript(agent: AgentId, pattern: string): TraceEvent[] {
  const [file = ''] = globSync(pattern, { cwd: FIXTURES });
  const path = join(FIXTURES, file);
  const mapper = transcriptSourceOf(agent)!.mapper({
    sessionId: 's',
    file: { path, agentId: '' },
    live: true,
  });
  return linesOf(path).flatMap((row) => mapper.push(row));
}

function hooks(agent: AgentId, file: string): TraceEvent[] {
  const recorder: HookRecorder = agent === 'claude' ? claudeRecorder : recorders[agent]!;
  return linesOf(join(FIXTURES, file)).flatMap(({ event, payload }) =>
    recorder.map(payload as JsonObject, {
      sessionId: 's',
      event: String(event),
      timestamp: 1,
      recorded: () => 'no',
    }),
  );
}

const ends = (events: TraceEvent[]): TraceEvent[] =>
  events.filter(({ event_type: type }) => type === 'tool_result' || type === 'error');
const denials = (events: TraceEvent[]): TraceEvent[] =>
  ends(events).filter(({ data }) => data.event_subtype === 'denied');

describe('what shows that a call ran', () => {
  it.each([
    ['codex', () => transcript('codex', 'codex/pre-deny/transcript/*.jsonl')],
    ['gemini', () => transcript('gemini', 'gemini/denied.session.jsonl')],
    ['copilot', () => transcript('copilot', 'copilot/denied.events.jsonl')],
    ['claude', () => hooks('claude', 'claude/hooks/pre-deny.ndjson')],
  ] as const)('is not in what %s says of calls that it did not run', (_agent, events) => {
    const denied = denials(events());
    expect(denied.length).toBeGreaterThan(0);
    expect(denied.map(proofOfRun)).toEqual(denied.map(() => undefined));
    // Told without the mark that says so, by its words alone.
    const bare = denied.map((event): TraceEvent => {
      const { denied_by: _, event_subtype: __, ...data } = event.data;
      return { ...event, data: { ...data, is_error: true } };
    });
    expect(bare.map(proofOfRun)).toEqual(bare.map(() => undefined));
  });

  it.each([
    ['codex', () => transcript('codex', 'codex/main/transcript/*.jsonl')],
    ['gemini', () => transcript('gemini', 'gemini/main.session.jsonl')],
    ['gemini’s hooks', () => hooks('gemini', 'gemini/main.hooks.ndjson')],
    ['copilot', () => transcript('copilot', 'copilot/main.events.jsonl')],
  ] as const)('is in what %s says of calls that it ran', (_agent, events) => {
    const all = ends(events()).filter(({ data }) => data.event_subtype !== 'subagent');
    expect(all.length).toBeGreaterThan(2);
    for (const event of all) expect(proofOfRun(event), JSON.stringify(event.data)).toBeDefined();
  });

  it('is in what Claude Code’s hooks say of calls that it ran', () => {
    const proofs = ends(hooks('claude', 'claude/hooks/main.ndjson')).map(proofOfRun);
    expect(proofs).toContain('exit code 0');
    expect(proofs).toContain('exit code 1');
    expect(proofs).toContain('it changed /home/dev/shop/hello.txt');
    // `continue: false` alone does not stop the tool: seen with the real one.
    const ran = ends(hooks('claude', 'claude/hooks/pre-stop.ndjson')).map(proofOfRun);
    expect(ran).toContain('it changed /home/dev/shop/touched');
  });

  it('does not take a command’s own words for a denial', () => {
    const said = { result: 'agent-strace: denied', exit_code: 0 };
    const event = { event_type: 'tool_result', timestamp: 1, event_id: 'a', session_id: 's' };
    expect(proofOfRun({ ...event, data: said })).toBe('exit code 0');
    const files = [{ path: '/x', kind: 'write' }];
    const denied = { event_subtype: 'denied', error: 'Denied by hook', files };
    expect(proofOfRun({ ...event, event_type: 'error', data: denied })).toBe('it changed /x');
  });
});

function place() {
  const root = mkdtempSync(join(tmpdir(), 'agent-strace-evidence-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const traceDir = join(root, '.agent-traces');
  mkdirSync(traceDir);
  const env = { AGENT_STRACE_HOME: join(root, 'home') };
  const trace = new TraceWriter(traceDir, 'one').start();
  const deny = (call: string, more: object = {}): void =>
    appendVerdict(
      'one',
      { at: trace.nowMs / 1000, call, tool: 'Bash', said: 'deny', rule: 'no', ...more },
      env,
    );
  return { trace, env, deny, reader: new EvidenceReader('one', traceDir, env) };
}

const MEGABYTE = 1_048_576;

describe('EvidenceReader', () => {
  it('finds denied calls that ran, and no others', () => {
    const { trace, deny, reader } = place();
    const fine = trace.call('Bash', { command: 'ls' });
    trace.result(fine, { exit_code: 0 });
    expect(reader.read(MEGABYTE).found).toEqual([]);
    const obeyed = trace.call('Bash', { command: 'rm a' });
    deny(obeyed);
    const ignored = trace.call('Bash', { command: 'rm b' });
    deny(ignored, { target: 'rm b' });
    expect(reader.read(MEGABYTE).found).toEqual([]);
    trace.result(ignored, { exit_code: 0, result: '' });
    trace.write(
      trace.event(
        'error',
        { tool_use_id: obeyed, event_subtype: 'denied', error: 'Denied by hook' },
        { parent_id: trace.callId(obeyed) },
      ),
    );
    const { found } = reader.read(MEGABYTE);
    expect(found).toMatchObject([
      { verdict: { call: ignored, target: 'rm b' }, proof: 'exit code 0' },
    ]);
    expect(reader.read(MEGABYTE).found).toEqual([]);
  });

  it('matches calls of agents that give them no id', () => {
    const { trace, deny, reader } = place();
    const args = { command: 'rm b' };
    const key = callKey('run_shell_command', args);
    const call = (): string => {
      const event = trace.event('tool_call', {
        tool_name: 'run_shell_command',
        arguments: args,
        call_key: key,
      });
      trace.write(event);
      return event.event_id;
    };
    const end = () =>
      trace.write(
        trace.event('tool_result', {
          tool_name: 'run_shell_command',
          call_key: key,
          exit_code: 0,
          result: 'x',
        }),
      );
    call();
    end();
    trace.nowMs += 60_000;
    deny(key, { event: call() });
    expect(reader.read(MEGABYTE).found).toEqual([]);
    end();
    expect(reader.read(MEGABYTE).found).toMatchObject([{ verdict: { call: key } }]);
  });

  it('finds a call without an id that its hook had closed as denied', () => {
    const { trace, deny, reader } = place();
    const args = { command: 'rm b' };
    const call_key = callKey('bash', args);
    const common = { tool_name: 'bash', call_key };
    const end = (): void => trace.write(trace.event('tool_result', { ...common, exit_code: 0 }));
    const called = trace.event('tool_call', { ...common, arguments: args });
    trace.write(called);
    deny(call_key, { event: called.event_id });
    const closed = { event_subtype: 'denied', error: 'no', closed_by: 'guard' };
    trace.write(trace.event('error', { ...common, ...closed }, { parent_id: called.event_id }));
    expect(reader.read(MEGABYTE).found).toEqual([]);
    // Allowed the second time: its end is its own.
    trace.write(trace.event('tool_call', { ...common, arguments: args }));
    end();
    expect(reader.read(MEGABYTE).found).toEqual([]);
    end();
    expect(reader.read(MEGABYTE).found).toMatchObject([{ verdict: { event: called.event_id } }]);
  });

  it('lets a call run that was asked about again and allowed', () => {
    const { trace, deny, reader } = place();
    const id = trace.call('Bash', { command: 'rm b' });
    deny(id);
    deny(id, { said: 'allow' });
    trace.result(id, { exit_code: 0 });
    expect(reader.read(MEGABYTE).found).toEqual([]);
  });
});
