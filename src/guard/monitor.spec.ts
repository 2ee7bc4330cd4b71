import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { FakeAgent } from '../../test/fakeAgent.ts';
import { TraceWriter } from '../../test/traceWriter.ts';
import { identityOf, readProcess } from '../agents/process.ts';
import { writeSmallFile } from '../trace/files.ts';
import { resume } from './control.ts';
import type { Facts } from './decision/facts.ts';
import { ensureGuardFolder } from './guardHome.ts';
import { GuardMonitor, type MonitorOptions } from './monitor.ts';
import { readEntry } from './processTable.ts';
import { readRaised } from './raised.ts';
import { parseCondition } from './rules/conditions.ts';
import type { Action, Metric, Rule, RuleSet } from './rules/rule.ts';
import { killTrip, resumeTrip } from './tripActs.ts';
import { readTrips, type Trip } from './trips.ts';
import { appendVerdict } from './verdicts.ts';
import { verify } from './verify.ts';

let count = 0;

const ruleOf = (text: string, action: Action, scope: Rule['scope'] = 'user'): Rule => {
  const parsed = parseCondition(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return { name: text, when: parsed.condition, action, scope, text, root: '/' };
};

const setOf = (...rules: Rule[]): RuleSet => ({ rules, problems: [], stale: [] });

/** A session whose agent runs; what is known of it is given. */
async function session(values: Partial<Record<Metric, number>> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'agent-strace-monitor-'));
  const home = join(root, 'home');
  const traceDir = join(root, '.agent-traces');
  mkdirSync(traceDir);
  const id = `monitor-${process.pid}-${++count}`;
  const agent = new FakeAgent({ folder: join(root, 'agent'), sessionId: id });
  onTestFinished(async () => {
    await agent.close();
    rmSync(root, { recursive: true, force: true });
  });
  await eventually(() => expect(readEntry(agent.pid)?.name).toBe('claude'));
  await vi.waitFor(() => expect(agent.work('stray')).toBeGreaterThan(0), 5000);
  agent.saveRecord(traceDir, home);
  const env = { AGENT_STRACE_HOME: home };
  const facts: Facts = {
    metric: (name) => values[name],
    repeats: () => 1,
    sequence: () => 0,
    unpriced: [],
  };
  const trace = new TraceWriter(traceDir, id).start();
  const monitor = (rules: RuleSet, more: Partial<MonitorOptions> = {}): GuardMonitor => {
    const made = new GuardMonitor({
      session: id,
      traceDir,
      rules: () => rules,
      where: 'trusted',
      env,
      ...more,
      parts: { readFacts: () => ({ facts, more: false }), ...more.parts },
    });
    onTestFinished(() => made.close());
    return made;
  };
  return { agent, id, env, home, traceDir, trace, values, facts, monitor };
}

describe.skipIf(process.platform !== 'linux')('GuardMonitor', () => {
  it('pauses an agent that costs too much, once, and lets it go on to the next step', async () => {
    const { agent, id, env, monitor, values } = await session({ cost_usd: 5.02 });
    const watcher = monitor(setOf(ruleOf('cost_usd > 5', 'pause')));
    const [trip] = await watcher.tick();
    expect(trip).toMatchObject({ action: 'pause', line: 'interrupt', state: 'open', limit: 5 });
    expect(trip?.processes?.map(({ state }) => state)).toContain('frozen');
    expect(agent.state).toBe('T');
    expect(await watcher.tick()).toEqual([]);
    const { trip: resumed } = await resumeTrip(trip!, { env });
    expect(resumed.state).toBe('resumed');
    expect(agent.state).not.toBe('T');
    expect({ ...readRaised(id, env) }).toEqual({ 'cost_usd > 5': 6 });
    expect(await watcher.tick()).toEqual([]);
    values.cost_usd = 6.5;
    const [again] = await watcher.tick();
    expect(again).toMatchObject({ state: 'open', value: 6.5 });
    expect(again?.id).not.toBe(trip?.id);
    expect(agent.state).toBe('T');
    const { trip: killed } = await killTrip(again!, { env });
    expect(killed.state).toBe('killed');
    expect(await agent.processes()).toEqual([]);
  });

  it('kills an agent that hangs: no event is needed', async () => {
    const { agent, monitor, env } = await session({ idle_minutes: 12 });
    const written: string[] = [];
    const watcher = monitor(setOf(ruleOf('idle_minutes > 10', 'kill')), {
      acts: {
        postmortem: async (trip) => {
          written.push(trip.state);
          return '/somewhere/postmortem.md';
        },
      },
    });
    const [trip] = await watcher.tick();
    expect(trip).toMatchObject({ state: 'killed', postmortem: '/somewhere/postmortem.md' });
    expect(written).toEqual(['killed']);
    expect(await agent.processes()).toEqual([]);
    expect(readTrips(env)).toMatchObject([{ state: 'killed', line: 'interrupt' }]);
    expect(await watcher.tick()).toEqual([]);
  });

  it('acts again upon a session that was taken up again after it was killed', async () => {
    const { id, env, home, traceDir, monitor } = await session({ cost_usd: 9 });
    const watcher = monitor(setOf(ruleOf('cost_usd > 5', 'kill')));
    expect(await watcher.tick()).toMatchObject([{ state: 'killed' }]);
    const again = new FakeAgent({ folder: join(traceDir, '../again'), sessionId: id });
    onTestFinished(async () => await again.close());
    await vi.waitFor(() => expect(again.work('stray')).toBeGreaterThan(0), 5000);
    again.saveRecord(traceDir, home);
    // As long ago as a person needs for that.
    const [{ id: trip }] = readTrips(env) as [Trip];
    const path = join(home, 'guard/trips', `${trip}.json`);
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Trip;
    writeSmallFile(path, JSON.stringify({ ...kept, settledAt: Date.now() / 1000 - 60 }));
    expect(await watcher.tick()).toMatchObject([{ state: 'killed' }]);
    expect(await again.processes()).toEqual([]);
  });

  it('asks an agent to end after its time', async () => {
    const { agent, monitor } = await session({ duration_minutes: 31 });
    const [trip] = await monitor(setOf(ruleOf('duration_minutes > 30', 'stop'))).tick();
    expect(trip?.state).toBe('stopped');
    expect(await agent.processes()).toEqual([]);
  });

  it('tells of an alert once, and leaves calls to the hook', async () => {
    const { agent, monitor } = await session({ tool_calls: 50, errors: 9 });
    const rules = setOf(ruleOf('tool_calls > 40', 'alert'), ruleOf('errors > 3', 'deny'));
    const watcher = monitor(rules);
    expect(await watcher.tick()).toMatchObject([{ action: 'alert', state: 'open' }]);
    expect(await watcher.tick()).toEqual([]);
    expect(agent.state).not.toBe('T');
  });

  it('does nothing in a dry run but tell', async () => {
    const { agent, monitor } = await session({ cost_usd: 9 });
    const rules = { ...setOf(ruleOf('cost_usd > 5', 'kill')), dryRun: true };
    const watcher = monitor(rules);
    expect(await watcher.tick()).toMatchObject([{ action: 'kill', state: 'open', dryRun: true }]);
    expect(await watcher.tick()).toEqual([]);
    expect(agent.state).not.toBe('T');
  });

  it('acts once, however many watch', async () => {
    const { agent, env, monitor } = await session({ cost_usd: 9 });
    const rules = setOf(ruleOf('cost_usd > 5', 'pause'));
    const told: string[] = [];
    const all = [1, 2, 3].map((name) =>
      monitor(rules, { always: true, tripped: ({ state }) => void told.push(`${name} ${state}`) }),
    );
    const acted = (await Promise.all(all.map((one) => one.tick()))).filter(
      ({ length }) => length > 0,
    );
    expect(acted).toHaveLength(1);
    // Found, and done.
    expect(told).toHaveLength(2);
    expect(readTrips(env)).toHaveLength(1);
    expect(agent.state).toBe('T');
  });

  it('is the only one that reads, as long as it looks', async () => {
    const { monitor } = await session({ cost_usd: 1 });
    const reads = [0, 0];
    const counting = (at: 0 | 1) => ({
      readFacts: () => {
        reads[at]!++;
        throw new Error('enough');
      },
    });
    const [first, second] = [0, 1].map((at) =>
      monitor(setOf(), { parts: counting(at as 0 | 1), problem: () => {} }),
    );
    await first!.tick();
    await second!.tick();
    expect(reads).toEqual([1, 0]);
    first!.close();
    await second!.tick();
    expect(reads).toEqual([1, 1]);
  });

  it('never signals for a trace that no hook of ours wrote', async () => {
    const { agent, id, env, monitor, home, traceDir } = await session({ cost_usd: 99 });
    const rules = setOf(ruleOf('cost_usd > 5', 'kill'));
    // A copy of the trace, elsewhere.
    const copy = join(traceDir, '../copy');
    new TraceWriter(copy, id).start();
    expect(await monitor(rules, { traceDir: copy, always: true }).tick()).toEqual([]);
    // Another process by that number.
    agent.saveRecord(traceDir, home, { start_time: '1' });
    await monitor(rules, { always: true }).tick();
    // Not an agent at all: this test.
    const other = new FakeAgent({ folder: join(traceDir, '../b'), sessionId: `${id}b` });
    onTestFinished(async () => await other.close());
    agent.saveRecord(traceDir, home, identityOf(readProcess(process.pid)!));
    const [trip] = await monitor(rules, { always: true }).tick();
    expect(trip).toMatchObject({ state: 'failed', problem: expect.any(String) });
    expect(agent.state).not.toBe('T');
    expect(other.state).not.toBe('T');
    expect(readTrips(env).map(({ state }) => state)).not.toContain('killed');
  });

  it('gives what a repository brings no more than it may, where the project is not trusted', async () => {
    const { agent, monitor } = await session({ cost_usd: 9 });
    const rules = setOf(ruleOf('cost_usd > 5', 'kill', 'repo'));
    expect(await monitor(rules, { where: 'untrusted', always: true }).tick()).toEqual([]);
    expect(agent.state).not.toBe('T');
    const users = setOf(ruleOf('cost_usd > 5', 'pause', 'user'));
    expect(await monitor(users, { where: 'untrusted', always: true }).tick()).toHaveLength(1);
  });

  it('waits with a pause until the question that a hook waits for is answered', async () => {
    const { agent, id, env, monitor, traceDir } = await session({ cost_usd: 9 });
    const asked = join(ensureGuardFolder('asked', env), `${'a'.repeat(12)}.json`);
    const { pid, startTime } = readProcess(process.pid)!;
    writeSmallFile(
      asked,
      JSON.stringify({
        version: 1,
        id: 'a'.repeat(12),
        session: id,
        agent: 'claude',
        traceDir,
        project: traceDir,
        rule: { name: 'r', text: 'r' },
        detail: '',
        call: { tool: 'Bash', target: '', id: 'x' },
        at: Date.now() / 1000,
        until: Date.now() / 1000 + 60,
        pid,
        startTime,
      }),
    );
    const watcher = monitor(setOf(ruleOf('cost_usd > 5', 'pause')));
    expect(await watcher.tick()).toMatchObject([{ state: 'open' }]);
    expect(agent.state).not.toBe('T');
    await watcher.tick();
    expect(agent.state).not.toBe('T');
    rmSync(asked);
    await watcher.tick();
    expect(agent.state).toBe('T');
  });

  it('takes a resume by other means for one that asks again at the next step', async () => {
    const { agent, id, env, monitor, traceDir } = await session({ cost_usd: 9.3 });
    const watcher = monitor(setOf(ruleOf('cost_usd > 5', 'pause')));
    const startMs = Date.now();
    await watcher.tick(startMs);
    const verdict = await verify(traceDir, id, env);
    if (!verdict.ok) throw new Error(verdict.message);
    await resume(verdict.target, { env });
    await watcher.tick(startMs + 5000);
    expect(readTrips(env)).toMatchObject([{ state: 'resumed' }]);
    expect(agent.state).not.toBe('T');
    expect({ ...readRaised(id, env) }).toEqual({ 'cost_usd > 5': 10 });
    expect(await watcher.tick(startMs + 6000)).toEqual([]);
  });

  it('freezes an agent that ran a call that it was denied, and none that obeyed', async () => {
    const { agent, id, env, monitor, trace } = await session();
    const watcher = monitor(setOf(ruleOf('errors > 1000', 'alert')));
    const obeyed = trace.call('Write', { file_path: '/p/.env' });
    const deny = (call: string, target: string): void =>
      appendVerdict(
        id,
        { at: Date.now() / 1000, call, tool: 'Write', said: 'deny', rule: 'secrets', target },
        env,
      );
    deny(obeyed, '/p/.env');
    trace.write(
      trace.event(
        'error',
        { tool_use_id: obeyed, event_subtype: 'denied', denied_by: 'hook', error: 'no' },
        { parent_id: trace.callId(obeyed) },
      ),
    );
    expect(await watcher.tick()).toEqual([]);
    expect(agent.state).not.toBe('T');
    const ignored = trace.call('Write', { file_path: '/p/.env' });
    deny(ignored, '/p/.env');
    trace.result(ignored, { files: [{ path: '/p/.env', kind: 'write' }] });
    const [trip] = await watcher.tick();
    expect(trip).toMatchObject({
      line: 'verify',
      action: 'pause',
      rule: { name: 'secrets' },
      detail: 'Write was denied and ran all the same: it changed /p/.env',
      call: { tool: 'Write', target: '/p/.env' },
    });
    expect(agent.state).toBe('T');
  });

  it('shows nobody frozen who is gone', async () => {
    const { agent, env, monitor } = await session({ cost_usd: 9 });
    const told: string[] = [];
    const watcher = monitor(setOf(ruleOf('cost_usd > 5', 'pause')), {
      tripped: ({ state }) => void told.push(state),
    });
    await watcher.tick();
    expect(readTrips(env)).toMatchObject([{ state: 'open' }]);
    await agent.close();
    expect(await watcher.tick()).toMatchObject([{ state: 'dismissed' }]);
    expect(readTrips(env)).toMatchObject([{ state: 'dismissed' }]);
    expect(await watcher.tick()).toEqual([]);
    expect(told.at(-1)).toBe('dismissed');
  });

  it('does not count sleep as idleness', async () => {
    const { agent, monitor, facts } = await session();
    const startMs = Date.now();
    let monotonic = 0;
    const clocked = {
      ...facts,
      metric: (name: Metric, nowMs: number) =>
        name === 'idle_minutes' ? (nowMs - startMs) / 60_000 : undefined,
    };
    const watcher = monitor(setOf(ruleOf('idle_minutes > 10', 'pause')), {
      parts: { readFacts: () => ({ facts: clocked, more: false }), monotonicMs: () => monotonic },
    });
    await watcher.tick(startMs);
    monotonic += 60_000;
    // Eight hours by the wall, a minute awake.
    await watcher.tick(startMs + 8 * 3_600_000);
    expect(agent.state).not.toBe('T');
    monotonic += 11 * 60_000;
    await watcher.tick(startMs + 8 * 3_600_000 + 11 * 60_000);
    expect(agent.state).toBe('T');
  });
});
