import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { cli, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { eventually } from '../../test/eventually.ts';
import { FakeAgent } from '../../test/fakeAgent.ts';
import { TraceWriter } from '../../test/traceWriter.ts';
import { readEntry } from '../guard/processTable.ts';
import { armedRules } from '../guard/rules/armed.ts';
import { readTrips } from '../guard/trips.ts';

let count = 0;
const MINUTE = 60_000;

/** A project with agents that run. */
function project() {
  const root = temporaryFolder();
  const traceDir = join(root, '.agent-traces');
  const home = join(root, 'home');
  const claude = join(root, 'claude');
  mkdirSync(traceDir);
  const env = { AGENT_STRACE_HOME: home, CLAUDE_CONFIG_DIR: claude, PATH: process.env.PATH ?? '' };
  return {
    root,
    traceDir,
    env,
    home,
    claude,
    run: (args: string[], signal?: AbortSignal) =>
      cli([...args, '--trace-dir', traceDir], {
        env,
        cwd: root,
        nowMs: Date.now(),
        ...(signal !== undefined && { signal }),
      }),
    async agent(id = `${++count}abcdef0-watch-${process.pid}`, startMs = Date.now()) {
      const agent = new FakeAgent({ folder: join(root, `agent${++count}`), sessionId: id });
      onTestFinished(async () => await agent.close());
      await eventually(() => expect(readEntry(agent.pid)?.name).toBe('claude'));
      await vi.waitFor(() => expect(agent.work('stray')).toBeGreaterThan(0), 5000);
      agent.saveRecord(traceDir, home, { project: root });
      const trace = new TraceWriter(traceDir, id, { startMs, cwd: root }).start();
      return { agent, id, trace: trace.prompt('Do it') };
    },
  };
}

describe.skipIf(process.platform !== 'linux')('agent-strace watch', () => {
  it('stops a session at its budget, writes a post-mortem, and runs what was asked for', async () => {
    const { agent: start, run, env, root, traceDir } = project();
    const { agent, id, trace } = await start();
    const call = trace.call('Bash', { command: 'npm test' });
    trace.usage([call]);
    const other = await start();
    const out = join(root, 'told');
    const death = `cat {post_mortem_path} > ${out}`;
    const ran = await run(['watch', id, '--budget', '$0.01', '--on-death', death]);
    expect(ran).toMatchObject({ code: 3, err: '' });
    expect(ran.out).toMatch(/: stopped: .*0\.01/);
    expect(ran.out).toContain('post-mortem: ');
    expect(await agent.processes()).toEqual([]);
    expect(other.agent.state).not.toBe('T');
    expect(readFileSync(out, 'utf8')).toBe(
      readFileSync(join(traceDir, id, 'postmortem.md'), 'utf8'),
    );
    expect(readFileSync(out, 'utf8')).toContain('# Stopped: Do it');
    // Its rules end with it.
    expect(readdirSync(join(env.AGENT_STRACE_HOME, 'guard/armed'))).toEqual([]);
    const told = await run(['postmortem', '--list', '--json']);
    expect(JSON.parse(told.out)).toMatchObject([{ session_id: id, how: 'stopped' }]);
  });

  it('does what it says by the clock: nothing needs to happen', async () => {
    const { agent: start, run } = project();
    const { agent } = await start(undefined, Date.now() - 31 * MINUTE);
    const { code, out } = await run(['watch', '--timeout', '30m', '--json']);
    expect(code).toBe(3);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ type, state }) => type === 'trip' && state === 'stopped')).toMatchObject({
      action: 'stop',
      line: 'interrupt',
    });
    expect(await agent.processes()).toEqual([]);
  });

  it('only tells in a dry run, arms its rules for hooks, and ends with Ctrl-C', async () => {
    const { agent: start, run, env, root } = project();
    const { agent, id, trace } = await start();
    trace.usage([]);
    const stop = new AbortController();
    const running = run(['watch', '--budget', '0.01', '--dry-run'], stop.signal);
    const armed = () => armedRules({ project: root, session: id, env });
    await vi.waitFor(() => expect(armed()).toMatchObject([{ action: 'alert' }]), 5000);
    await vi.waitFor(() => expect(readTrips(env)).toHaveLength(1), 5000);
    // It looks again, twice, and has nothing to add.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    stop.abort();
    const { code, out } = await running;
    expect(code).toBe(2);
    expect(out.match(/would stop/g)).toHaveLength(1);
    expect(agent.state).not.toBe('T');
    expect(armed()).toEqual([]);
  });

  it('says how a paused agent goes on', async () => {
    const { agent: start, run } = project();
    const { agent, id, trace } = await start();
    for (let at = 0; at < 4; at++) trace.result(trace.call('Read', { file_path: '/a' }));
    const stop = new AbortController();
    const running = run(['watch', id, '--rules', 'calls:3=pause'], stop.signal);
    await vi.waitFor(() => expect(agent.state).toBe('T'), 5000);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    stop.abort();
    const { out } = await running;
    expect(out.match(/: paused: /g)).toHaveLength(1);
    expect(out).toContain(`To go on: agent-strace resume ${id.slice(0, 8)}`);
  });

  it('kills at any violation where that is asked for, and writes alerts down as the other tool does', async () => {
    const { agent: start, run, traceDir } = project();
    const { agent, id, trace } = await start();
    for (let at = 0; at < 4; at++) trace.result(trace.call('Read', { file_path: '/a' }));
    const stop = new AbortController();
    const first = run(
      ['watch', id, '--rules', 'calls:3=alert', '--on-violation', 'file'],
      stop.signal,
    );
    const log = join(traceDir, 'alerts.log');
    await vi.waitFor(() => expect(existsSync(log)).toBe(true), 5000);
    stop.abort();
    expect((await first).code).toBe(2);
    expect(readFileSync(log, 'utf8')).toMatch(/^\d{4}-[\d-]+T[\d:.]+Z {2}\S+: alert: .+\n$/);
    expect(agent.state).not.toBe('T');
    const second = await run([
      'watch',
      id,
      '--max-retries',
      '5',
      '--rules',
      'calls:2=alert',
      '--on-violation',
      'kill',
    ]);
    expect(second.code).toBe(3);
    expect(await agent.processes()).toEqual([]);
  });

  it('lets a repository’s rules end an agent only where a person names them', async () => {
    const { agent: start, run, env, root } = project();
    const { agent, trace } = await start();
    trace.usage([]);
    const file = join(root, '.watch-rules.json');
    const condition = 'cost_usd > 0.01';
    const rules = [
      { name: 'dear', condition, action: 'kill' },
      { name: 'told', condition, action: 'alert' },
    ];
    writeFileSync(file, JSON.stringify({ rules }));
    const stop = new AbortController();
    const first = run(['watch'], stop.signal);
    // Both were true at once, so the other was decided, too.
    await vi.waitFor(() => expect(readTrips(env)).not.toEqual([]), 5000);
    stop.abort();
    const { code, out } = await first;
    expect(code).toBe(2);
    expect(readTrips(env).map(({ rule }) => rule.name)).toEqual(['told']);
    expect(out).toContain(
      `1 rule of the repository may only deny here. To let them kill: --rules ${file}`,
    );
    expect(agent.state).not.toBe('T');
    expect((await run(['watch', '--rules', '.watch-rules.json'])).code).toBe(3);
    expect(await agent.processes()).toEqual([]);
  });

  it('keeps the cost of a session up to date with what its agent writes down', async () => {
    const { agent: start, run, claude, traceDir } = project();
    const id = 'cfead79c-5438-40f8-bd9d-7d9dfefcc4c6';
    const folder = join(claude, 'projects/-project');
    mkdirSync(folder, { recursive: true });
    const transcript = join(folder, `${id}.jsonl`);
    const fixture = `../../test/fixtures/claude/transcripts/main/${id}.jsonl`;
    writeFileSync(transcript, readFileSync(new URL(fixture, import.meta.url)));
    const { agent, trace } = await start(id);
    trace.write(
      trace.event('session_start', { agent_name: 'claude-code', transcript_path: transcript }),
    );
    const { code } = await run(['watch', id, '--budget', '0.001']);
    expect(code).toBe(3);
    expect(await agent.processes()).toEqual([]);
    expect(readFileSync(join(traceDir, id, 'events.ndjson'), 'utf8')).toContain('"llm_response"');
  });

  it('tells of a crash', async () => {
    const { agent: start, run, traceDir } = project();
    const { agent, id, trace } = await start();
    trace.result(trace.call('Edit', { file_path: '/p/a.ts' }), {
      files: [{ path: '/p/a.ts', kind: 'write', added: 1, removed: 0 }],
    });
    const running = run(['watch']);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await agent.close();
    const { code, out } = await running;
    expect(code).toBe(0);
    expect(out).toContain('ended without a goodbye');
    expect(readFileSync(join(traceDir, id, 'postmortem.md'), 'utf8')).toContain('/p/a.ts');
    const told = await run(['postmortem']);
    expect(told.code).toBe(0);
    expect(told.out).toContain('# Crashed: Do it');
    const json = JSON.parse((await run(['postmortem', id, '--json'])).out);
    expect(json).toMatchObject({ session_id: id, ending: { how: 'crashed' } });
    expect(json.half_changed).toHaveLength(1);
  });

  it('says what cannot be done', async () => {
    const { agent: start, run, traceDir } = project();
    new TraceWriter(traceDir, 'forged').start();
    const forged = await run(['watch', 'forged']);
    expect(forged).toMatchObject({ code: 1, out: '' });
    expect(forged.err).toContain('was not recorded on this machine');
    const wrong = await run(['watch', '--rules', 'budgt:5']);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('Nothing is watched');
    const typo = await run(['watch', '--rules', 'lop:3/10']);
    expect(typo.err).toContain('there is no built-in rule "lop"; did you mean loop?');
    expect((await run(['watch', '--timeout', 'soon'])).code).toBe(2);
    expect((await run(['watch', '--on-violation', 'pray'])).code).toBe(2);
    expect((await run(['postmortem', '--list'])).code).toBe(1);
    expect((await run(['postmortem'])).err).toContain('No session here was ended by a rule');
    const { id } = await start();
    expect((await run(['postmortem', id])).err).toContain('still runs');
    appendFileSync(join(traceDir, id, 'events.ndjson'), '{"torn');
    expect((await run(['postmortem', id])).code).toBe(1);
  });
});
