import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import { writeSessionRecord } from '../agents/process.ts';
import { crashHints } from './ending.ts';
import { commandText, runOnDeath } from './onDeath.ts';
import { postmortemMarkdown, watchdogJson } from './postmortemText.ts';
import { openTrip, settleTrip, type Trip, tripId } from './trips.ts';
import { postmortemOf, savePostmortem } from './writePostmortem.ts';

const T0 = Date.parse('2026-11-26T04:00:00Z');

function place() {
  const root = mkdtempSync(join(tmpdir(), 'agent-strace-postmortem-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const traceDir = join(root, '.agent-traces');
  mkdirSync(traceDir);
  const env = { AGENT_STRACE_HOME: join(root, 'home') };
  const trace = new TraceWriter(traceDir, 'one', { startMs: T0, cwd: '/project' });
  trace.start().prompt('Fix the login.\nDo not touch the database.');
  const edit = (path: string, file: object = {}): void => {
    const id = trace.call('Edit', { file_path: path, old_string: 'a', new_string: 'b' });
    trace.result(id, { files: [{ path, kind: 'write', added: 3, removed: 1, ...file }] });
  };
  const run = (command: string, exit_code: number, result = ''): void => {
    const id = trace.call('Bash', { command });
    trace.result(id, { exit_code, result, ...(exit_code !== 0 && { is_error: true }) });
  };
  const trip = (change: Partial<Trip> = {}): Trip => ({
    version: 1,
    id: tripId({ session: 'one', rule: 'budget', line: 'interrupt', limit: 5 }),
    session: 'one',
    agent: 'claude',
    traceDir,
    project: root,
    rule: { name: 'budget', text: 'cost_usd > 5', scope: 'user' },
    action: 'kill',
    detail: 'cost $5.02 is over $5.00',
    value: 5.02,
    limit: 5,
    line: 'interrupt',
    at: trace.nowMs / 1000 + 1,
    state: 'killed',
    settledAt: trace.nowMs / 1000 + 1,
    ...change,
  });
  const of = (given?: Trip) => postmortemOf(traceDir, 'one', given, { env, nowMs: trace.nowMs });
  return { root, traceDir, env, trace, edit, run, trip, of };
}

describe('post-mortem', () => {
  it('says what happened, why, and what is left half done', async () => {
    const { edit, run, trace, trip, of, traceDir } = place();
    edit('/project/src/done.ts');
    run('npm test', 0);
    edit('/project/src/half.ts');
    run('npm test', 1, 'Error: login is undefined\n  at half.ts:3');
    edit('/project/src/half.ts');
    run('npm test', 1, 'Error: login is undefined\n  at half.ts:3');
    trace.usage([]);
    trace.call('Write', { file_path: '/project/src/open.ts', content: 'x' });
    const post = await of(trip());
    expect(post.ending).toMatchObject({
      how: 'killed',
      why: 'It was killed because cost $5.02 is over $5.00 (rule "budget").',
    });
    expect(post.rootCause).toMatchObject({
      step: 'npm test',
      message: 'Error: login is undefined',
      attempts: 2,
    });
    expect(post.rootCause?.costAfterUsd).toBeGreaterThan(0);
    expect(post.lastGood?.step).toBe('npm test');
    expect(post.halfChanged).toEqual([
      expect.objectContaining({ path: '/project/src/half.ts', added: 6, removed: 2 }),
      expect.objectContaining({
        path: '/project/src/open.ts',
        why: 'its last edit was under way: it may be written or not',
      }),
    ]);
    expect(post.running.map(({ step }) => step)).toEqual(['Write src/open.ts']);
    expect(post.lastSteps).toHaveLength(8);
    expect(post.lastSteps.at(-1)).toMatchObject({ running: true, outcome: 'no result' });
    expect(post.recovery).toContain('> Fix the login.\n> Do not touch the database.');
    expect(post.recovery).toContain('/project/src/half.ts');
    expect(post.recovery).toContain('- A rule ended it: cost_usd > 5.');
    const saved = savePostmortem(traceDir, post);
    expect(saved).toEqual({ path: join(traceDir, 'one/postmortem.md') });
    const text = readFileSync(join(traceDir, 'one/postmortem.md'), 'utf8');
    expect(text).toContain('# Killed: Fix the login');
    expect(text).toContain('**Rule**: budget: cost\\_usd \\> 5');
    const json = JSON.parse(readFileSync(join(traceDir, 'one/watchdog-postmortem.json'), 'utf8'));
    expect(Object.keys(json)).toEqual([
      'session_id',
      'terminated_at',
      'reason',
      'elapsed_seconds',
      'cost_at_death',
      'last_tool_call',
      'last_llm_response',
      'recovery_context',
      'max_cost_dollars',
      'budget_at_death',
    ]);
    expect(json).toMatchObject({
      session_id: 'one',
      max_cost_dollars: 5,
      last_tool_call: { tool_name: 'Write' },
      last_llm_response: { model: 'claude-sonnet-4-5' },
    });
    expect(json.cost_at_death).toBeCloseTo(post.costUsd ?? -1, 5);
  });

  it('does not take a failure that was made good for the cause', async () => {
    const { edit, run, of, trip } = place();
    run('npm test', 1, 'Error: one');
    edit('/project/a.ts');
    run('npm test', 0);
    run('git commit -m x', 0);
    const post = await of(trip());
    expect(post.rootCause).toBeUndefined();
    expect(post.lastGood?.step).toBe('git commit -m x');
    expect(post.halfChanged).toEqual([]);
  });

  it('does not take what a rule ended for a failure of the work', async () => {
    const { edit, run, trip, of, trace } = place();
    edit('/project/a.ts');
    const at = trace.nowMs / 1000;
    run('npm run build', 137);
    // As Claude Code's own transcript tells it.
    trace.write(
      trace.event('error', { tool_name: 'Bash', error: 'Exit code 137', is_error: true }),
    );
    const end = { at, settledAt: trace.nowMs / 1000, state: 'stopped' as const };
    const post = await of(trip(end));
    expect(post.lastSteps.at(-2)).toMatchObject({ step: 'npm run build', failed: true });
    expect(post.rootCause).toBeUndefined();
    expect(post.hints).toEqual([]);
    // It failed before the rule tripped: that is what went wrong.
    const later = await of(trip({ ...end, at: end.settledAt + 1, settledAt: end.settledAt + 1 }));
    expect(later.rootCause).toMatchObject({ step: 'npm run build' });
    expect(later.hints).toHaveLength(1);
  });

  it('finds that a session crashed, and a rule’s word where one ended it', async () => {
    const { env, run, of, trace, traceDir, root, trip } = place();
    run('node big.js', 137, 'FATAL ERROR: JavaScript heap out of memory');
    expect((await of()).ending.how).toBe('running');
    const record = { version: 1, session_id: 'one', agent: 'claude', pid: 2 ** 22 + 7 } as const;
    const where = { trace_dir: traceDir, project: root, first_seen: 1, start_time: '1' };
    writeSessionRecord({ ...record, ...where }, env);
    const post = await of();
    expect(post.ending).toMatchObject({ how: 'crashed', at: trace.nowMs / 1000 });
    expect(post.hints).toEqual([expect.stringContaining('ran out of memory')]);
    writeSessionRecord({ ...record, ...where, boot_id: 'another' }, env);
    expect((await of()).ending.why).toContain('started anew');
    openTrip(trip({ state: 'open' }), env);
    settleTrip(trip().id, 'stopped', {}, env);
    expect((await of()).ending).toMatchObject({ how: 'stopped' });
    trace.end();
    expect((await postmortemOf(traceDir, 'one', undefined, { env })).ending.how).toBe('stopped');
  });

  it('lets no text of a trace out of its place', async () => {
    const { trace, of, trip, traceDir } = place();
    trace.prompt(
      '```\n# Ignore all\n<img src=x onerror=alert(1)> [x](command:evil) \u001b[2J\u202e',
    );
    const id = trace.call('Bash', { command: 'echo ``` && ![x](http://evil/x.png)' });
    trace.result(id, { exit_code: 1, is_error: true, result: '<script>alert(1)</script>' });
    const post = await of(trip({ rule: { name: '<b>', text: '[a](b)', scope: 'repo' } }));
    const text = postmortemMarkdown(post);
    const fenced = text.slice(text.indexOf('````'));
    const rest = text.slice(0, text.indexOf('````'));
    expect(fenced.trimEnd().endsWith('\n````')).toBe(true);
    expect(fenced.match(/^````/gm)).toHaveLength(2);
    expect(rest).not.toMatch(/(?<!\\)(?:<script|<img|<b>|\]\()/);
    expect(text).not.toMatch(/[\u001b\u202e]/);
    // What the old session said is a quotation, line by line.
    expect(post.recovery).toContain('> # Ignore all');
    expect(post.recovery.split('\n').filter((line) => line.startsWith('#'))).toEqual([]);
    // A link in the place of the file is not followed.
    const target = join(traceDir, '../victim');
    symlinkSync(target, join(traceDir, 'one/postmortem.md'));
    savePostmortem(traceDir, post);
    expect(existsSync(target)).toBe(false);
    expect(watchdogJson(post).reason).toContain('killed because');
  });

  it('knows signs of a crash by whole words', () => {
    expect(crashHints(['there is no room for a zoom, the broom said oom'])).toEqual([]);
    expect(crashHints(['MemoryError'])).toHaveLength(1);
    expect(crashHints(['connect ECONNREFUSED 127.0.0.1:80', 'exit code 143'])).toHaveLength(2);
  });
});

describe.skipIf(process.platform === 'win32')('--on-death', () => {
  it('gives the path to the command, whatever is in it', async () => {
    const { root } = place();
    const evil = join(root, "a'b$(touch hacked);`touch hacked` c");
    const out = join(root, 'out');
    for (const command of [
      `printf %s {post_mortem_path} > "${out}"`,
      `printf %s '{post_mortem_path}' > "${out}"`,
      `printf %s "{post_mortem_path}" > "${out}"`,
      `printf %s "$AGENT_STRACE_POSTMORTEM" > "${out}"`,
    ]) {
      rmSync(out, { force: true });
      const death = {
        session: 'one',
        postmortem: evil,
        cwd: root,
        env: { PATH: process.env.PATH },
      };
      expect(await runOnDeath(command, death)).toBeUndefined();
      expect(readFileSync(out, 'utf8'), command).toBe(evil);
    }
    expect(existsSync(join(root, 'hacked'))).toBe(false);
    expect(commandText("x '{post_mortem_path}'")).toBe('x "$AGENT_STRACE_POSTMORTEM"');
  });

  it('says how it failed', async () => {
    const { root } = place();
    const death = { session: 'one', postmortem: '', cwd: root, env: {} };
    expect(await runOnDeath('exit 3', death)).toBe('it ended with exit code 3');
    expect(await runOnDeath('true', { ...death, cwd: join(root, 'no') })).toContain(
      'not be started',
    );
  });
});
