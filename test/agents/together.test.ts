/** All agents at once, in one project of one person: nothing is lost, nothing is mixed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { tools } from '../../scripts/tools.mjs';
import { AGENTS, type AgentId } from '../../src/agents/agent.ts';
import { hookCommand } from '../../src/agents/launcher.ts';
import { processState, readSessionRecord } from '../../src/agents/process.ts';
import { applySetup, planSetup } from '../../src/agents/registry.ts';
import type { FileOp, Json, JsonObject, TraceEvent } from '../../src/model/event.ts';
import { SessionFold } from '../../src/model/fold.ts';
import { buildHook } from '../hookBundle.ts';
import { ClaudeLab } from './claudeLab.ts';
import { CodexLab } from './codexLab.ts';
import { CopilotLab } from './copilotLab.ts';
import { GeminiLab } from './geminiLab.ts';
import type { SharedPlace } from './labPlace.ts';
import { type Block, type Scenario, text, tool } from './mockAnthropic.ts';
import { call, type GeminiScenario, type Part, say } from './mockGemini.ts';
import { calls, custom, type OpenaiBlock, type OpenaiScenario, says } from './mockOpenai.ts';
import { OpencodeLab } from './opencodeLab.ts';

const WHO = ['claude', 'codex', 'gemini', 'copilot', 'opencode'] as const;
type Who = (typeof WHO)[number];

let root: string;
let place: SharedPlace;
let stateHome: string;

beforeAll(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'agent-strace-together-')));
  place = { home: join(root, 'home'), projectDir: join(root, 'project') };
  stateHome = join(place.home, '.agent-strace');
  mkdirSync(place.home);
  mkdirSync(place.projectDir);
  for (const who of WHO) {
    writeFileSync(join(place.projectDir, `${who}.txt`), `${who}-one\n${who}-two\n${who}-three\n`);
  }
  // Files that commands change are looked for in repositories.
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], {
      cwd: place.projectDir,
      env: { PATH: process.env.PATH, HOME: place.home },
    });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'x');
  const { folder, bundle } = await buildHook();
  try {
    for (const who of WHO) setUp(who, bundle);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

const env = () => ({ HOME: place.home, AGENT_STRACE_HOME: stateHome });

function setUp(agent: Who, hookBundle: string): void {
  const plan = planSetup(agent, {
    scope: 'project',
    projectDir: place.projectDir,
    agentVersion: tools[agent].version,
    env: env(),
  });
  applySetup(plan, { hookBundle, version: '0.0.0', nodePath: process.execPath, env: env() });
}

const traceDir = (): string => join(place.projectDir, '.agent-traces');

/** Sessions in the project's trace folder. */
const sessions = (): string[] =>
  readdirSync(traceDir(), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);

const linesOf = (session: string): string[] =>
  readFileSync(join(traceDir(), session, 'events.ndjson'), 'utf8')
    .split('\n')
    .slice(0, -1);

/** @throws where a line is torn */
const traceOf = (session: string): TraceEvent[] =>
  linesOf(session).map((line) => JSON.parse(line) as TraceEvent);

function foldOf(events: readonly TraceEvent[]): SessionFold {
  const fold = new SessionFold();
  for (const event of events) fold.add(structuredClone(event));
  return fold;
}

const log = (): string => {
  const path = join(stateHome, 'log/hook.log');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

/** Nobody goes on before all have come, or one has gone for good. */
class Meeting {
  readonly #missing = new Set<string>(WHO);
  /** Lets everybody go. */
  readonly end: () => void;
  readonly #all: Promise<void>;

  constructor() {
    let end = (): void => {};
    this.#all = new Promise((resolve) => {
      end = resolve;
    });
    this.end = end;
  }

  /** @returns settles when all are there */
  async join(who: Who): Promise<void> {
    this.#missing.delete(who);
    if (this.#missing.size === 0) this.end();
    await this.#all;
  }
}

const first = new Meeting();
const last = new Meeting();

const path = (who: Who): string => join(place.projectDir, `${who}.txt`);
const done = (who: Who): string => `${who}-done`;

/** One agent's words for what all of them do. */
interface Words<B> {
  read: B;
  edit: B;
  run: (command: string) => B;
  say: (text: string) => B;
}

/** One answer of a model's script. */
interface Answer<B> {
  of: B[];
  gate?: () => Promise<void>;
}

/**
 * Six calls, of which one fails, and one changes the agent's own file: the others' while a command of Claude's runs,
 * which ends when they have. All wait for all before their first answer and before their last.
 */
function script<B>(who: Who, { read, edit, run, say }: Words<B>): Answer<B>[] {
  const ofClaude = who === 'claude';
  const changed = `[ "$(grep -l -e -new *.txt | wc -l)" = 4 ] && break`;
  const long = `: > ../begun; for i in $(seq 600); do ${changed}; sleep 0.05; done; echo claude-slow`;
  const change = { of: [edit], ...(!ofClaude && { gate: begun }) };
  const slow = { of: [run(ofClaude ? long : `sleep 0.3; echo ${who}-slow`)] };
  return [
    { of: [read], gate: () => first.join(who) },
    ...(ofClaude ? [slow, change] : [change, slow]),
    { of: [run(`echo ${who}-fine`)] },
    { of: [run(`echo ${who}-boom >&2; exit 3`)] },
    { of: [run(`wc -l ${who}.txt`)] },
    { of: [say(done(who))], gate: () => last.join(who) },
  ];
}

/** Claude's command runs. */
const begun = (): Promise<void> =>
  vi.waitFor(() => expect(existsSync(join(root, 'begun'))).toBe(true), 30_000);

const blocksOf = <B>(answers: Answer<B>[]) =>
  answers.map(({ of, ...more }) => ({ blocks: of, ...more }));
const partsOf = <B>(answers: Answer<B>[]) =>
  answers.map(({ of, ...more }) => ({ parts: of, ...more }));

const claudeScript = (): Scenario => ({
  main: blocksOf(
    script<Block>('claude', {
      read: tool('Read', { file_path: path('claude') }),
      edit: tool('Edit', {
        file_path: path('claude'),
        old_string: 'claude-two',
        new_string: 'claude-new',
      }),
      run: (command) => tool('Bash', { command, description: 'Run' }),
      say: text,
    }),
  ),
});

const copilotScript = (): Scenario => ({
  main: blocksOf(
    script<Block>('copilot', {
      read: tool('view', { path: path('copilot') }),
      edit: tool('edit', { path: path('copilot'), old_str: 'copilot-two', new_str: 'copilot-new' }),
      run: (command) => tool('bash', { command, description: 'Run' }),
      say: text,
    }),
  ),
});

const opencodeScript = (): Scenario => ({
  main: blocksOf(
    script<Block>('opencode', {
      read: tool('read', { filePath: path('opencode') }),
      edit: tool('edit', {
        filePath: path('opencode'),
        oldString: 'opencode-two',
        newString: 'opencode-new',
      }),
      run: (command) => tool('bash', { command, description: 'Run' }),
      say: text,
    }),
  ),
});

const exec = (cmd: string): OpenaiBlock => calls('exec_command', { cmd });
const patch = (before: string, after: string): OpenaiBlock =>
  custom(
    'apply_patch',
    `*** Begin Patch\n*** Update File: codex.txt\n@@\n-${before}\n+${after}\n*** End Patch`,
  );

const codexScript = (): OpenaiScenario => ({
  main: blocksOf(
    script<OpenaiBlock>('codex', {
      read: exec("sed -n '1,2p' codex.txt"),
      edit: patch('codex-two', 'codex-new'),
      run: exec,
      say: says,
    }),
  ),
});

const geminiScript = (): GeminiScenario => ({
  main: partsOf(
    script<Part>('gemini', {
      read: call('read_file', { file_path: 'gemini.txt' }),
      edit: call('replace', {
        file_path: path('gemini'),
        instruction: 'x',
        old_string: 'gemini-two',
        new_string: 'gemini-new',
      }),
      run: (command) => call('run_shell_command', { command, description: 'Run' }),
      say,
    }),
  ),
});

interface Labs {
  claude: ClaudeLab;
  codex: CodexLab;
  gemini: GeminiLab;
  copilot: CopilotLab;
  opencode: OpencodeLab;
}
let labs: Labs;

/** A slow machine is no failure: looks at the files that a command changed take their time. */
const PATIENT = { AGENT_STRACE_LOOK_MS: '2000' };

const prompt = (who: Who): string => `SCENARIO:main ${who}-prompt`;

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Tokens {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
}

/** What the models say that they were asked and have answered. */
function billed(): Record<Who, Tokens[]> {
  const ofMessages = ({ mock }: ClaudeLab | CopilotLab): Tokens[] =>
    mock.requests.flatMap(({ scenario, answer }) => {
      if (answer === undefined || scenario === 'side') return [];
      const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation } = answer.usage;
      const written =
        cache_creation.ephemeral_5m_input_tokens + cache_creation.ephemeral_1h_input_tokens;
      return [
        {
          input_tokens: input_tokens + cache_read_input_tokens + written,
          output_tokens,
          cache_read_input_tokens,
        },
      ];
    });
  return {
    claude: ofMessages(labs.claude),
    copilot: ofMessages(labs.copilot),
    codex: labs.codex.mock.answers.map(({ usage }) => ({
      input_tokens: usage.input_tokens,
      output_tokens: usage.output_tokens,
      cache_read_input_tokens: usage.cached_tokens,
    })),
    gemini: labs.gemini.mock.answers.map((usage) => ({
      input_tokens: usage.promptTokenCount,
      output_tokens: usage.candidatesTokenCount + usage.thoughtsTokenCount,
      cache_read_input_tokens: usage.cachedContentTokenCount,
    })),
    opencode: labs.opencode.mock.answers.map((usage) => ({
      input_tokens: usage.prompt_tokens,
      output_tokens: usage.completion_tokens,
      cache_read_input_tokens: usage.cached_tokens,
    })),
  };
}

function sum(all: readonly Tokens[]): Tokens {
  const total = { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0 };
  for (const one of all) {
    total.input_tokens += one.input_tokens;
    total.output_tokens += one.output_tokens;
    total.cache_read_input_tokens += one.cache_read_input_tokens;
  }
  return total;
}

describe('five real agents in one project', () => {
  beforeAll(async () => {
    const [claude, codex, gemini, copilot, opencode] = await Promise.all([
      ClaudeLab.create({ place, scenario: claudeScript }),
      CodexLab.create(codexScript(), {}, place),
      GeminiLab.create({ place, scenario: geminiScript }),
      CopilotLab.create({ place, scenario: copilotScript }),
      OpencodeLab.create(opencodeScript, {}, 'scripted', place),
    ]);
    labs = { claude, codex, gemini, copilot, opencode };
  });
  afterAll(async () => {
    await Promise.all(Object.values(labs ?? {}).map((lab) => lab.close()));
  });

  test('each session has what its agent did, and nothing of another', async () => {
    const runs: Record<Who, Promise<Ran>> = {
      opencode: labs.opencode.run(prompt('opencode')),
      gemini: labs.gemini.run(prompt('gemini')),
      copilot: labs.copilot.run(prompt('copilot')),
      claude: labs.claude.run({ prompt: prompt('claude'), env: PATIENT }),
      codex: labs.codex.run(prompt('codex')),
    };
    for (const run of Object.values(runs)) {
      // One that fails early keeps nobody waiting.
      void run.finally(() => {
        first.end();
        last.end();
      });
    }
    for (const who of WHO) {
      const { code, stdout, stderr } = await runs[who];
      expect(code, `${who}: ${stderr}\n${stdout}`).toBe(0);
      expect(stdout).toContain(done(who));
      expect(`${stdout}${stderr}`).not.toMatch(/agent-strace-hook|hook\.js/);
      expect(readFileSync(path(who), 'utf8')).toBe(`${who}-one\n${who}-new\n${who}-three\n`);
    }

    expect(sessions()).toHaveLength(5);
    const byAgent = new Map(
      sessions().map((id) => [readSessionRecord(id, env())?.agent as AgentId, id]),
    );
    expect([...byAgent.keys()].sort()).toEqual([...WHO].sort());
    // The last rows of transcripts are read by processes that outlive their agents.
    const bill = billed();
    const responses = (id: string) =>
      new Set(
        traceOf(id)
          .filter(({ event_type }) => event_type === 'llm_response')
          .map(({ event_id }) => event_id),
      ).size;
    await vi.waitFor(() => {
      for (const [who, id] of byAgent) {
        expect({ who, responses: responses(id) }).toEqual({
          who,
          responses: bill[who as Who].length,
        });
      }
    }, 20_000);

    for (const who of WHO) expectOwn(who, byAgent.get(who)!, bill[who]);
    expect(log()).toBe('');

    // They were at it at the same time: each had begun before any had ended.
    const times = [...byAgent.values()].map((id) => {
      const events = traceOf(id).filter(({ data }) => data.recorded_by === 'hook');
      const of = (type: string) =>
        events.filter(({ event_type }) => event_type === type).map(({ timestamp }) => timestamp);
      return { begun: Math.min(...of('tool_call')), ended: Math.max(...of('session_end')) };
    });
    expect(Math.max(...times.map(({ begun }) => begun))).toBeLessThan(
      Math.min(...times.map(({ ended }) => ended)),
    );
  });

  test('an agent that another one starts is a session of its own, and names its parent', async () => {
    const known = new Set(sessions());
    const flags = '--json --skip-git-repo-check --dangerously-bypass-hook-trust';
    const command = `${labs.codex.codex} exec ${flags} 'SCENARIO:inner inner-prompt' < /dev/null`;
    labs.claude.mock.scenario = {
      outer: [[tool('Bash', { command, description: 'Ask Codex' })], [text('Asked.')]],
    };
    labs.codex.mock.scenario = {
      inner: [[patch('codex-one', 'codex-zero')], [exec('echo inner-fine')], [says('inner-done')]],
    };
    const { code, stderr } = await labs.claude.run({
      prompt: 'SCENARIO:outer outer-prompt',
      env: { ...PATIENT, MOCK_API_KEY: 'sk-test-000' },
    });
    expect(code, stderr).toBe(0);
    expect(labs.claude.read('codex.txt')).toMatch(/^codex-zero\n/);

    const added = sessions().filter((id) => !known.has(id));
    expect(added).toHaveLength(2);
    const outer = added.find((id) => readSessionRecord(id, env())?.agent === 'claude')!;
    const inner = added.find((id) => readSessionRecord(id, env())?.agent === 'codex')!;
    const countsOf = (id: string) => {
      const { calls, prompts, errors } = foldOf(traceOf(id)).counts;
      return { calls, prompts, errors };
    };
    expect(countsOf(outer)).toEqual({ calls: 1, prompts: 1, errors: 0 });
    expect(countsOf(inner)).toEqual({ calls: 2, prompts: 1, errors: 0 });
    // The file is Codex's work, not that of the command that ran Codex.
    expect(changed(traceOf(outer))).toEqual([]);
    expect(changed(traceOf(inner))).toEqual([path('codex')]);

    const startOf = (id: string) =>
      traceOf(id).find(({ event_type }) => event_type === 'session_start')!.data;
    expect(startOf(inner)).toMatchObject({ provider: 'codex', parent_session_id: outer });
    expect(metaOf(inner)).toMatchObject({ parent_session_id: outer });
    expect(readSessionRecord(inner, env())).toMatchObject({ parent: outer });
    expect(startOf(outer)).not.toHaveProperty('parent_session_id');
    expect(metaOf(outer)).not.toHaveProperty('parent_session_id');
    expect(readSessionRecord(outer, env())).not.toHaveProperty('parent');
    expect(log()).toBe('');
  });
});

/** One session of one agent: whole, once, and its own. */
function expectOwn(who: Who, id: string, bill: readonly Tokens[]): void {
  const events = traceOf(id);
  for (const event of events) {
    expect(event).toMatchObject({ session_id: id, data: { provider: who } });
  }
  const raw = linesOf(id).join('\n');
  for (const other of WHO) {
    if (other === who) continue;
    expect(raw, `${other} in the session of ${who}`).not.toMatch(
      new RegExp(`${other}-(?:one|two|three|new|fine|slow|boom|done|prompt)|${other}\\.txt`),
    );
  }
  for (const mark of ['prompt', 'fine', 'slow', 'boom', 'done', 'new']) {
    expect(raw, who).toContain(`${who}-${mark}`);
  }

  const fold = foldOf(events);
  const { calls, edits, errors, denied, prompts } = fold.counts;
  expect({ who, calls, edits, errors, denied, prompts }).toEqual({
    who,
    calls: 6,
    edits: 1,
    errors: 1,
    denied: 0,
    prompts: 1,
  });
  expect(fold.cost.total.usage, who).toMatchObject(sum(bill));
  expect(changed(events), who).toEqual([path(who)]);
  expect(
    exitCodes(events).filter((code) => code !== 0),
    who,
  ).toEqual([3]);
  // Nothing is told twice by one who tells it.
  const hooks = events.filter(({ data }) => data.recorded_by === 'hook');
  for (const type of ['session_start', 'user_prompt', 'session_end']) {
    expect(
      hooks.filter(({ event_type }) => event_type === type),
      `${who} ${type}`,
    ).toHaveLength(1);
  }
  const told = hooks.filter(({ event_type }) => event_type === 'tool_call');
  expect(new Set(told.map(keyOf)).size).toBe(6);
  expect(told).toHaveLength(6);

  const record = readSessionRecord(id, env())!;
  expect(record).toMatchObject({ agent: who, trace_dir: traceDir(), project: place.projectDir });
  expect(record.parent).toBeUndefined();
  expect(processState(record)).toBe('gone');
  expect(metaOf(id)).toMatchObject({
    session_id: id,
    agent_name: AGENTS[who].traceName,
    started_at: expect.any(Number),
    ended_at: expect.any(Number),
    attribution: { agent_provider: who, working_dir: place.projectDir },
  });
  expect(metaOf(id)).not.toHaveProperty('parent_session_id');
}

const metaOf = (id: string): JsonObject =>
  JSON.parse(readFileSync(join(traceDir(), id, 'meta.json'), 'utf8')) as JsonObject;

/** A call as whoever tells of it knows it: scripts have no two that are alike. */
const keyOf = ({ data }: TraceEvent): Json | undefined => data.call_key ?? data.tool_use_id;

const isOutcome = ({ event_type }: TraceEvent): boolean =>
  event_type === 'tool_result' || event_type === 'error';

/** Files that the session says it changed. */
function changed(events: readonly TraceEvent[]): string[] {
  const files = events.filter(isOutcome).flatMap(({ data }) => {
    const ops = (Array.isArray(data.files) ? data.files : []) as unknown as FileOp[];
    return ops.filter(({ kind }) => kind !== 'read').map((op) => op.path);
  });
  return [...new Set(files)];
}

/** One a call that has one. */
function exitCodes(events: readonly TraceEvent[]): Json[] {
  const codes = new Map<Json | undefined, Json>();
  for (const event of events.filter(isOutcome)) {
    if (event.data.exit_code !== undefined) codes.set(keyOf(event), event.data.exit_code);
  }
  return [...codes.values()];
}

describe('100 hook processes at once', () => {
  const FIXTURES = {
    claude: 'claude/hooks/main.ndjson',
    codex: 'codex/main/hooks.ndjson',
    gemini: 'gemini/main.hooks.ndjson',
    copilot: 'copilot/main.hooks.ndjson',
  };
  type Hooked = keyof typeof FIXTURES;
  const IDS: [id: string, who: Hooked][] = [
    ['many-claude-a', 'claude'],
    ['many-claude-b', 'claude'],
    ['many-codex', 'codex'],
    ['many-gemini', 'gemini'],
    ['many-copilot', 'copilot'],
  ];
  const CALLS = 10;
  /** Longer than what any system writes into a file or a pipe at once without being asked to. */
  const LONG = 'x'.repeat(20_000);
  const token = (id: string, nth: number): string => `${id}-${nth}-token`;

  interface Captured {
    event: string;
    env?: Record<string, string>;
    payload: JsonObject;
  }

  /** The first call of a fixture: before and after. All four read `hello.txt`. */
  function firstCall(who: Hooked): Captured[] {
    const file = join(import.meta.dirname, '../fixtures', FIXTURES[who]);
    const all = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Captured);
    return [/^(PreToolUse|BeforeTool)$/i, /^(PostToolUse|AfterTool)$/i].map(
      (name) => all.find(({ event }) => name.test(event))!,
    );
  }

  /** A hook of a call of its own. */
  function fire(
    { event, env: given = {}, payload }: Captured,
    who: Hooked,
    id: string,
    nth: number,
  ) {
    const old = String(payload.session_id ?? payload.sessionId);
    const mark = token(id, nth);
    const input = JSON.stringify({
      ...payload,
      ...('tool_use_id' in payload && { tool_use_id: `id-${mark}` }),
    })
      .replaceAll(old, id)
      .replaceAll('/home/dev/shop', place.projectDir)
      .replaceAll('hello.txt', `${mark}.txt`)
      .replaceAll('hello world', `${mark} ${LONG}`);
    const { CLAUDE_PID: _, ...more } = JSON.parse(
      JSON.stringify(given).replaceAll('/home/dev/shop', place.projectDir),
    ) as Record<string, string>;
    const child = spawn('/bin/sh', ['-c', hookCommand(who, event, env())], {
      cwd: place.projectDir,
      env: { PATH: '/usr/bin:/bin', HOME: place.home, ...more },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    child.stdin.end(input);
    return once(child, 'close').then(([code]) => ({ code: code as number | null, said }));
  }

  /** Every call and every result, once, whole, in order of their names. @throws where a line is torn */
  const told = (lines: readonly string[], id: string, who: Hooked): string[] =>
    lines
      .map((line) => {
        const event = JSON.parse(line) as TraceEvent;
        expect(event).toMatchObject({ session_id: id, data: { provider: who } });
        if (event.event_type === 'tool_result') expect(line).toContain(LONG);
        return [event.event_type, ...new Set(line.match(/many-[\w-]+-token/g))].join(' ');
      })
      .sort();

  const wanted = (id: string): string[] =>
    Array.from({ length: CALLS }, (_, nth) => token(id, nth))
      .flatMap((mark) => [`tool_call ${mark}`, `tool_result ${mark}`])
      .sort();

  test('lose nothing, tear nothing, mix nothing', async () => {
    const hooks = IDS.flatMap(([id, who]) =>
      firstCall(who).flatMap((captured) =>
        Array.from({ length: CALLS }, (_, nth) => () => fire(captured, who, id, nth)),
      ),
    );
    expect(hooks).toHaveLength(100);
    const ends = await Promise.all(hooks.map((start) => start()));
    // What an agent must never notice.
    expect(ends.filter(({ code, said }) => code !== 0 || said !== '')).toEqual([]);
    expect(log()).toBe('');
    expect(readdirSync(traceDir()).filter((name) => name.startsWith('many-'))).toHaveLength(5);

    for (const [id, who] of IDS) {
      const lines = linesOf(id);
      expect(told(lines, id, who)).toEqual(wanted(id));
      const { calls, errors } = foldOf(traceOf(id)).counts;
      expect({ id, calls, errors }).toEqual({ id, calls: CALLS, errors: 0 });
      expect(readSessionRecord(id, env())).toMatchObject({ agent: who, trace_dir: traceDir() });
      // It can fail: one line lost, one torn, one of another session.
      expect(told(lines.slice(1), id, who)).not.toEqual(wanted(id));
      expect(() => told([...lines.slice(1), lines[0]!.slice(0, -9)], id, who)).toThrow();
      const [other] = IDS.find(([name]) => name !== id)!;
      expect(() => told([...lines, linesOf(other)[0]!], id, who)).toThrow();
    }
  });
});
