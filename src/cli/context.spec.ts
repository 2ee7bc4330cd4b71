import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, eventLine, seed, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { textWidth } from '../report/terminalText.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FIXTURES = join(ROOT, 'test', 'fixtures');
const START = 1_795_000_000;
const hex = (id: number): string => id.toString(16).padStart(12, '0');

/** A trace folder with this session imported. */
async function imported(...path: string[]): Promise<string> {
  const traceDir = temporaryFolder();
  const folder = join(FIXTURES, ...path);
  const file = readdirSync(folder).find((name) => name.endsWith('.jsonl'))!;
  const { code } = await cli(['import', join(folder, file), '--trace-dir', traceDir]);
  expect(code).toBe(0);
  return traceDir;
}

interface Turn {
  /** Bytes of the result, and its tool. */
  result?: [bytes: number, tool: string];
  tokens: number;
  compaction?: string;
  prompt?: string;
}

/** One session with a window of 200k tokens, as its turns tell. */
function session(turns: readonly Turn[], more = '', model = 'claude-sonnet-4-5'): string {
  const traceDir = temporaryFolder();
  const id = 'window-session';
  mkdirSync(join(traceDir, id));
  let n = 0;
  const lines = [eventLine(id, 'session_start', START, ++n, { source: 'startup', cwd: '/repo' })];
  const put = (type: string, data: Record<string, unknown>, rest = {}): number => {
    n++;
    lines.push(eventLine(id, type, START + n, n, data, rest));
    return n;
  };
  for (const { result, tokens, compaction, prompt } of turns) {
    if (compaction !== undefined) {
      put('decision', {
        recorded_by: 'transcript',
        event_subtype: 'compaction',
        trigger: compaction,
      });
    }
    if (prompt !== undefined) put('user_prompt', { prompt });
    if (result !== undefined) {
      const [bytes, tool] = result;
      const path = '/repo/big.txt';
      const call = put('tool_call', {
        tool_name: tool,
        arguments: tool === 'Read' ? { file_path: path } : { command: 'npm test' },
      });
      put(
        'tool_result',
        { tool_name: tool, result: 'x'.repeat(bytes) },
        { parent_id: hex(call), duration_ms: 50 },
      );
    }
    put('llm_response', {
      recorded_by: 'transcript',
      event_subtype: 'usage',
      model,
      usage: { input_tokens: tokens - 100, output_tokens: 100 },
      message_id: `m${n}`,
      request_id: 'r',
    });
  }
  writeFileSync(join(traceDir, id, 'events.ndjson'), lines.join('') + more);
  return traceDir;
}

const FULL: Turn[] = [
  { prompt: 'Make the tests pass', tokens: 20_000 },
  { result: [40_000, 'Read'], tokens: 30_000 },
  { prompt: 'And the others', result: [40_000, 'Bash'], tokens: 170_000 },
  { compaction: 'auto', prompt: 'Go on', tokens: 30_000 },
  ...[40, 50, 60, 70, 80, 90].map((k): Turn => ({ result: [30_000, 'Bash'], tokens: k * 1000 })),
];

describe('context', () => {
  it('shows what fills the window at each turn, compactions, the largest results, and when it is full', async () => {
    const traceDir = session(FULL);
    const { out, code } = await cli(['context', '--trace-dir', traceDir], {
      width: 100,
      env: { NO_COLOR: '1' },
    });
    expect(code).toBe(0);
    expect(out).toMatchSnapshot();
    const all = await cli(['context', '--requests', '--trace-dir', traceDir], {
      width: 80,
      env: { NO_COLOR: '1' },
    });
    expect(all.out).toMatchSnapshot();
    const { out: page } = await cli(['context', '--markdown', '--trace-dir', traceDir]);
    expect(page).toMatchSnapshot();
  });

  it('says the same in JSON, adding up', async () => {
    const args = ['context', '--json', '--requests', '--trace-dir', session(FULL)];
    const [lane] = JSON.parse((await cli(args)).out).lanes;
    expect(lane).toMatchObject({
      lane: '',
      window_tokens: 200_000,
      tokens: 90_000,
      peak_tokens: 170_000,
      fill: 0.45,
      requests: 10,
      compactions: [{ trigger: 'auto', told: true, before_tokens: 170_000, after_tokens: 29_900 }],
    });
    for (const { tokens, sources } of lane.all_requests) {
      const values = Object.values<number>(sources);
      expect(values.reduce((sum, one) => sum + one, 0)).toBe(tokens);
    }
    expect(lane.forecast).toEqual({
      tokens_per_request: 10_000,
      over_requests: 6,
      full_in_requests: 11,
      compacts_at_tokens: 170_000,
      compacts_in_requests: 8,
    });
    expect(lane.largest.some((one: { in_window: boolean }) => !one.in_window)).toBe(true);
  });

  it.each([
    ['claude', 'transcripts', 'fg'],
    ['codex', 'main', 'transcript'],
  ])('of a recorded session: %s %s', async (...path) => {
    const args = ['context', '--subagents', '--trace-dir', await imported(...path)];
    expect((await cli(args, { width: 90, env: { NO_COLOR: '1' } })).out).toMatchSnapshot();
  });

  it('shows one subagent, and says which there are', async () => {
    const traceDir = await imported('claude', 'transcripts', 'fg');
    const one = await cli([
      'context',
      '--json',
      '--lane',
      'general-purpose',
      '--trace-dir',
      traceDir,
    ]);
    expect(JSON.parse(one.out).lanes).toMatchObject([{ type: 'general-purpose', requests: 2 }]);
    const none = await cli(['context', '--lane', 'nobody', '--trace-dir', traceDir]);
    expect(none.code).toBe(1);
    expect(none.err).toContain('general-purpose');
  });

  it('says what to do where no request told its tokens', async () => {
    const { out, code } = await cli(['context', 'subagentroot', '--trace-dir', seed('v080')]);
    expect(code).toBe(0);
    expect(out).toContain('import it');
  });
});

describe('token-budget', () => {
  it('is of the last request, not of the sum of all', async () => {
    const args = ['token-budget', '--trace-dir', session(FULL)];
    const { out, code } = await cli([...args, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      warn_at: 0.9,
      exceeded: false,
      lanes: [{ tokens: 90_000, remaining_tokens: 110_000, fill: 0.45, peak_fill: 0.85 }],
    });
    const text = await cli(args, { width: 100, env: { NO_COLOR: '1' } });
    expect(text.out).toMatchSnapshot();
  });

  it('ends with 1 from the threshold on', async () => {
    const args = ['token-budget', '--trace-dir', session(FULL)];
    const codeOf = async (...more: string[]) => (await cli([...args, ...more])).code;
    expect(await codeOf('--warn-at', '0.46')).toBe(0);
    expect(await codeOf('--warn-at', '0.45')).toBe(1);
    expect(await codeOf('--warning-threshold', '45%')).toBe(1);
    expect(await codeOf('--warn-at', '0.86', '--peak')).toBe(0);
    expect(await codeOf('--warn-at', '0.85', '--peak')).toBe(1);
    expect(await codeOf('--window', '90000')).toBe(1);
    expect(await codeOf('--warn-at', '0')).toBe(2);
    expect(await codeOf('--warn-at', 'much')).toBe(2);
  });

  it('says so in words', async () => {
    const args = ['token-budget', '--trace-dir', session(FULL)];
    const out = async (...more: string[]) => (await cli([...args, ...more])).out;
    expect(await out('--warn-at', '20%')).toMatch(
      /! over 20%[\s\S]*1 window is 20% full or more\.\n/,
    );
    expect(await out('--peak', '--warn-at', '20%')).toContain(
      '1 window was 20% full or more at its peak.',
    );
    expect(await out('--peak')).toContain('No window was 90% full at its peak.');
  });

  it('does not guess how large an unknown window is', async () => {
    const traceDir = session([{ prompt: 'x', tokens: 5000 }], '', 'my-own-model');
    const { out, code } = await cli(['token-budget', '--trace-dir', traceDir]);
    expect(code).toBe(0);
    expect(out).toContain('--window');
    const [lane] = JSON.parse(
      (await cli(['token-budget', '--json', '--trace-dir', traceDir])).out,
    ).lanes;
    expect(lane).toMatchObject({ window_tokens: null, fill: null, state: 'unknown' });
  });
});

describe('tree', () => {
  it('shows sessions that a session started, at which step', async () => {
    const args = ['tree', 'subagentroot', '--trace-dir', seed('v080')];
    const { out, code } = await cli(args, { width: 110, env: { NO_COLOR: '1' } });
    expect(code).toBe(0);
    expect(out).toMatchSnapshot();
  });

  it('shows subagents with their own cost, which adds up to the session’s', async () => {
    const traceDir = await imported('claude', 'transcripts', 'old-main');
    const { out } = await cli(['tree', '--json', '--trace-dir', traceDir]);
    const root = JSON.parse(out);
    expect(root.children).toMatchObject([
      { kind: 'subagent', name: 'general-purpose', spawned_sure: 'evidence', status: 'done' },
    ]);
    const cost = JSON.parse((await cli(['cost', '--json', '--trace-dir', traceDir])).out);
    expect(root.total.cost_usd).toBe(cost.cost_usd);
    expect(root.own.cost_usd).toBe(cost.own_usd);
    expect(root.children[0].total.cost_usd).toBe(cost.subagent_usd);
    expect(root.total).toMatchObject({ subagents: 1, sessions: 0 });
    expect(root.children[0].spawned_at_step).toBeGreaterThan(1);
  });

  it('survives sessions that are each other’s parents', async () => {
    const traceDir = temporaryFolder();
    for (const [id, parent] of [
      ['circle-a', 'circle-b'],
      ['circle-b', 'circle-a'],
    ] as const) {
      mkdirSync(join(traceDir, id));
      writeFileSync(
        join(traceDir, id, 'events.ndjson'),
        eventLine(id, 'session_start', START, 1, {}),
      );
      writeFileSync(
        join(traceDir, id, 'meta.json'),
        JSON.stringify({ session_id: id, parent_session_id: parent }),
      );
    }
    const { out, code } = await cli(['tree', 'circle-a', '--json', '--trace-dir', traceDir]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      id: 'circle-a',
      children: [{ id: 'circle-b', children: [] }],
    });
  });
});

describe('inspect of one step', () => {
  it('prints its event, the result, and the response', async () => {
    const traceDir = await imported('claude', 'transcripts', 'fg');
    const entry = readdirSync(traceDir).find((name) => name.startsWith('f87d'))!;
    const step = async (asked: string) =>
      JSON.parse((await cli(['inspect', entry, asked, '--trace-dir', traceDir])).out);
    const one = await step('4');
    expect(one).toMatchObject({
      step: 4,
      event: { event_type: 'tool_call' },
      result: { event_type: 'tool_result', parent_id: one.event.event_id },
      response: { event_type: 'llm_response' },
    });
    expect((await step(one.result.event_id)).step).toBe(4);
    const latest = await cli(['inspect', '--step', '1', '--trace-dir', traceDir]);
    expect(JSON.parse(latest.out)).toMatchObject({ step: 1, result: null });
    const none = await cli(['inspect', entry, '999', '--trace-dir', traceDir]);
    expect(none.code).toBe(1);
    expect(none.err).toContain('steps 1 to');
  });
});

describe('hostile traces', () => {
  const NASTY = '\u001b]0;owned\u0007\u001b[2J\u202egnp | <script>alert(1)</script>\r\n\u009b31m標';
  const COMMANDS = [
    ['context'],
    ['context', '--requests'],
    ['context', '--subagents'],
    ['token-budget'],
    ['tree'],
    ['stats', '--include-subagents'],
  ];

  /** Nasty names everywhere; subagents deeper than anybody looks, in a circle, and many. */
  function hostile(): string {
    const id = 'window-session';
    let n = 1000;
    const lines: string[] = [];
    const put = (type: string, data: Record<string, unknown>, rest = {}): number => {
      n++;
      lines.push(eventLine(id, type, START + n, n, data, rest));
      return n;
    };
    const usage = { input_tokens: 1e300, output_tokens: 1e300 };
    put('llm_response', { model: NASTY, usage, event_subtype: 'usage' });
    for (let depth = 0; depth < 60; depth++) {
      const own = depth === 0 ? {} : { agent_id: `deep${depth}` };
      const call = put('tool_call', { ...own, tool_name: 'Task', tool_use_id: `t${depth}` });
      const started = { agent_id: `deep${depth + 1}`, agent_type: NASTY, description: NASTY };
      put('tool_call', { ...started, tool_name: 'Subagent', event_subtype: 'subagent' });
      put(
        'tool_result',
        { ...own, tool_name: 'Task', subagent_id: depth === 59 ? 'deep1' : `deep${depth + 1}` },
        { parent_id: hex(call) },
      );
      put('llm_response', {
        ...started,
        model: NASTY,
        usage: { input_tokens: 10, output_tokens: 1 },
      });
    }
    for (let i = 0; i < 300; i++) {
      put('tool_call', {
        agent_id: `many${i}`,
        agent_type: 'x'.repeat(500),
        tool_name: 'Subagent',
        event_subtype: 'subagent',
      });
    }
    put('user_prompt', { prompt: `${NASTY}${'y'.repeat(200_000)}` });
    put('llm_response', { model: NASTY, usage: { input_tokens: -5, output_tokens: 1.5 } });
    return session([{ prompt: NASTY, tokens: 5000 }, ...FULL], lines.join(''));
  }

  it('act on no terminal, and no line is wider than it', async () => {
    const traceDir = hostile();
    for (const width of [24, 40, 80]) {
      for (const args of COMMANDS) {
        const { out, code } = await cli([...args, '--trace-dir', traceDir], { width });
        expect([0, 1], args.join(' ')).toContain(code);
        const plain = out.replace(/\u001b\[\d+m/g, '');
        expect(plain).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
        for (const line of plain.split('\n')) {
          expect(textWidth(line), `${width} ${args.join(' ')}: ${line}`).toBeLessThanOrEqual(width);
        }
      }
    }
  });

  it('are bounded in depth, and every subagent is there once', async () => {
    const traceDir = hostile();
    const { out } = await cli(['tree', '--json', '--trace-dir', traceDir]);
    const root = JSON.parse(out);
    expect(root.total.subagents).toBe(360);
    let depth = 0;
    let level = [root];
    while (level.length > 0) {
      depth++;
      level = level.flatMap((node) => node.children);
    }
    expect(depth).toBeLessThanOrEqual(18);
    const text = await cli(['tree', '--trace-dir', traceDir], { width: 80 });
    expect(text.out).toContain('more');
  });

  it('write Markdown that says just what they say', async () => {
    const { out } = await cli(['context', '--markdown', '--trace-dir', hostile()]);
    expect(out).toContain('\\<script\\>');
    expect(out).not.toMatch(/[^\\]<script/);
    expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });
});

const real = process.env.AGENT_STRACE_REAL ?? join(ROOT, '..', 'shared', 'real');

if (!existsSync(real)) {
  console.warn('No real sessions there (AGENT_STRACE_REAL names their folder): not read.');
}

describe('whole transcripts of real sessions', () => {
  it.skipIf(!existsSync(real))(
    'have windows that add up and are told by their last request',
    async () => {
      const traceDir = temporaryFolder();
      for (const agent of ['claude', 'codex']) {
        for (const name of readdirSync(join(real, agent))) {
          await cli(['import', join(real, agent, name), '--trace-dir', traceDir]);
        }
      }
      let seen = 0;
      for (const id of readdirSync(traceDir)) {
        if (!existsSync(join(traceDir, id, 'events.ndjson'))) continue;
        const { out } = await cli(['context', id, '--json', '--requests', '--trace-dir', traceDir]);
        const [lane] = JSON.parse(out).lanes;
        for (const { tokens, sources } of lane.all_requests) {
          const values = Object.values<number>(sources);
          expect(values.reduce((sum, one) => sum + one, 0)).toBe(tokens);
        }
        expect(lane.window_tokens).toBeGreaterThan(lane.peak_tokens);
        // What stands before the first prompt is never nothing.
        expect(lane.sources.system).toBeGreaterThan(5000);
        seen++;
      }
      expect(seen).toBeGreaterThan(0);
    },
  );
});
