import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { readSessionRecord } from '../../src/agents/process.ts';
import { applySetup, planSetup } from '../../src/agents/registry.ts';
import { act, type BrakeAction } from '../../src/guard/brake.ts';
import type { ControlReport } from '../../src/guard/control.ts';
import { markPaused, unmarkPaused } from '../../src/guard/pauseMark.ts';
import { type ProcessEntry, readTable } from '../../src/guard/processTable.ts';
import { buildHook } from '../hookBundle.ts';
import { isRunning } from '../processes.ts';
import { ClaudeLab, toolCalls } from './claudeLab.ts';
import { type Scenario, text, tool } from './mockAnthropic.ts';

let built: string;
let bundle: string;
let lab: ClaudeLab;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
afterEach(async () => await lab.close());

async function recordedLab(scenario: Scenario): Promise<ClaudeLab> {
  const made = await ClaudeLab.create({ scenario });
  const plan = planSetup('claude', {
    scope: 'project',
    projectDir: made.projectDir,
    agentVersion: '2.1.330 (Claude Code)',
    env: {},
  });
  applySetup(plan, {
    hookBundle: bundle,
    version: '0.0.0',
    nodePath: process.execPath,
    env: { AGENT_STRACE_HOME: join(made.home, '.agent-strace') },
  });
  return made;
}

const env = () => ({ AGENT_STRACE_HOME: join(lab.home, '.agent-strace') });
const traceDir = () => join(lab.projectDir, '.agent-traces');

/** The one session that the recorder has seen. */
async function session(): Promise<string> {
  const folder = join(lab.home, '.agent-strace/sessions');
  return await vi.waitFor(() => {
    const [name] = readdirSync(folder).filter((file) => file.endsWith('.json'));
    expect(readSessionRecord(name!.slice(0, -5), env())?.pid).toBeGreaterThan(1);
    return name!.slice(0, -5);
  }, 30_000);
}

async function brake(action: BrakeAction, id: string, graceMs = 5000): Promise<ControlReport> {
  const outcome = await act(action, traceDir(), id, { graceMs, env: env() });
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome;
}

/** Everything that runs with the lab's home: all that the agent ever started, found by other means than ours. */
async function labProcesses(): Promise<ProcessEntry[]> {
  return [...(await readTable()).values()].filter(({ pid, state }) => {
    if (state === 'Z' || state === 'X') return false;
    try {
      const words = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      return words.includes(`HOME=${lab.home}`);
    } catch {
      return false;
    }
  });
}

const ticks = () => statSync(join(lab.projectDir, 'ticks'), { throwIfNoEntry: false })?.size ?? 0;
const TICKS = 100;
const command = `for i in $(seq ${TICKS}); do printf x >> ticks; sleep 0.03; done; wc -c < ticks`;

test('pause freezes the real agent with what it runs, resume lets it end as if nothing had been', async () => {
  lab = await recordedLab({
    main: [[tool('Bash', { command, description: 'Work' })], [text('All done.')]],
  });
  const run = lab.start({ prompt: 'SCENARIO:main please' });
  const id = await session();
  await vi.waitFor(() => expect(ticks()).toBeGreaterThan(5), 30_000);

  const times: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const clicked = performance.now();
    const report = await brake('pause', id);
    times.push(performance.now() - clicked);
    expect(report.state).toBe('paused');
    const before = ticks();
    const processes = await labProcesses();
    expect(processes.map(({ name }) => name)).toEqual(expect.arrayContaining(['claude', 'bash']));
    expect(processes.filter(({ state }) => state !== 'T')).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(ticks()).toBe(before);
    await brake('resume', id);
    await vi.waitFor(() => expect(ticks()).toBeGreaterThan(before), 5000);
  }
  console.log(
    `from the call until all are stopped: ${times.map((t) => t.toFixed(1)).join(', ')} ms`,
  );
  // The promise that is made to whoever clicks.
  expect(Math.min(...times)).toBeLessThan(100);

  const { code, stdout, stderr, transcripts } = await run.done;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ result: 'All done.', is_error: false });
  expect(ticks()).toBe(TICKS);
  expect(JSON.stringify(transcripts[0]!.rows)).toContain(`"stdout":"${TICKS}"`);
  expect(existsSync(join(lab.home, '.agent-strace/control', `${id}.json`))).toBe(false);
});

test('stop ends the real agent and leaves no orphan, also of what left its tree', async () => {
  const strays = 'setsid sleep 301 & ( setsid setsid sleep 302 & ) ; sleep 303';
  lab = await recordedLab({
    main: [[tool('Bash', { command: strays, description: 'Wait' })], [text('All done.')]],
  });
  for (const paused of [false, true]) {
    rmSync(join(lab.home, '.agent-strace/sessions'), { recursive: true, force: true });
    const run = lab.start({ prompt: 'SCENARIO:main please' });
    const id = await session();
    const sleeps = async () => (await labProcesses()).filter(({ name }) => name === 'sleep');
    await vi.waitFor(async () => expect(await sleeps()).toHaveLength(3), 30_000);
    if (paused) await brake('pause', id);
    const all = await labProcesses();
    const report = await brake('stop', id);
    expect(report.state).toBe('ended');
    expect(all.filter(({ pid }) => isRunning(pid)).map(({ name }) => name)).toEqual([]);
    await run.done;
    // Our own recorder reads the rest of the transcript and ends.
    await vi.waitFor(async () => expect(await labProcesses()).toEqual([]), 10_000);
    const events = readFileSync(join(traceDir(), id, 'events.ndjson'), 'utf8');
    expect(events).toContain('"session_end"');
  }
});

test('an agent that would pause itself is refused, and told why', async () => {
  const cli = join(import.meta.dirname, '../../dist/cli.js');
  lab = await recordedLab({
    main: [
      [tool('Bash', { command: `node ${cli} pause; echo code=$?`, description: 'Pause' })],
      [text('All done.')],
    ],
  });
  const { code, transcripts } = await lab.run({ prompt: 'SCENARIO:main please' });
  expect(code).toBe(0);
  const rows = JSON.stringify(transcripts[0]!.rows);
  expect(rows).toContain('Could not pause: This runs inside Claude Code');
  expect(rows).toContain('code=1');
});

test('kill leaves nothing of the real agent', async () => {
  lab = await recordedLab({
    main: [[tool('Bash', { command: 'setsid sleep 301 & sleep 303', description: 'Wait' })]],
  });
  const run = lab.start({ prompt: 'SCENARIO:main please' });
  const id = await session();
  const sleeps = async () => (await labProcesses()).filter(({ name }) => name === 'sleep');
  await vi.waitFor(async () => expect(await sleeps()).toHaveLength(2), 30_000);
  expect((await brake('kill', id)).state).toBe('ended');
  expect((await run.done).signal).toBe('SIGKILL');
  await vi.waitFor(async () => expect(await labProcesses()).toEqual([]), 10_000);
});

test('the cooperative pause holds the next tool until it is resumed', async () => {
  lab = await recordedLab({
    main: [
      [tool('Bash', { command: 'touch first', description: 'One' })],
      [tool('Bash', { command: 'touch second', description: 'Two' })],
      [text('All done.')],
    ],
  });
  const run = lab.start({ prompt: 'SCENARIO:main please' });
  const id = await session();
  await vi.waitFor(() => expect(existsSync(join(traceDir(), id))).toBe(true), 30_000);
  markPaused(id, env());
  const held = existsSync(join(lab.projectDir, 'first')) ? 'second' : 'first';
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(existsSync(join(lab.projectDir, 'second'))).toBe(false);
  unmarkPaused(id, env());
  await vi.waitFor(() => expect(existsSync(join(lab.projectDir, held))).toBe(true), 10_000);
  const { code, transcripts } = await run.done;
  expect(code).toBe(0);
  expect(toolCalls(transcripts[0]!)).toHaveLength(2);
});

test('an interactive agent goes on after a pause: the next key reaches it', async () => {
  lab = await recordedLab({ main: [[text('Hello there.')], [text('Second answer.')]] });
  const terminal = lab.openTerminal();
  const says = async (words: string): Promise<void> => {
    // It draws with movements: what is between words is not always a space.
    const packed = words.replaceAll(' ', '');
    await vi.waitFor(
      () => expect(terminal.text.replace(/\s+/g, '').slice(-5000)).toContain(packed),
      30_000,
    );
  };
  terminal.type(`${lab.claude}\n`);
  await says('❯');
  await vi.waitFor(() => session(), 30_000);
  terminal.type('say hello');
  await says('say hello');
  terminal.type('\r');
  await says('Hello there.');
  const id = await session();

  const { state, processes } = await brake('pause', id);
  expect(state).toBe('paused');
  expect(processes.filter(({ role }) => role === 'shell')).toHaveLength(1);
  const before = terminal.text.length;
  terminal.type('quixotic');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(terminal.text.slice(before)).not.toContain('Stopped');
  await brake('resume', id);
  await says('quixotic');
  terminal.type('\r');
  await says('Second answer.');
  expect(terminal.text.slice(before)).not.toContain('Stopped');

  await brake('stop', id);
  terminal.type('\necho back-$((1+1))\n');
  await says('back-2');
});
