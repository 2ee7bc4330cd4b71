// The whole way, as a user goes it: `agent-strace setup`, the real Claude Code against a scripted model,
// then what the commands say is held against the agent's own transcripts and the model's own bill.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { calcPrice } from '@pydantic/genai-prices';
import { afterEach, expect, test, vi } from 'vitest';
import type { TraceEvent } from '../../src/model/event.ts';
import { ClaudeLab, type Transcript, toolCalls } from './claudeLab.ts';
import { type Scenario, text, thinking, tool, type Usage } from './mockAnthropic.ts';

const CLI = join(import.meta.dirname, '../../dist/cli.js');
const MODEL = 'claude-sonnet-4-5-20250929';
let lab: ClaudeLab;
let withAgent = true;
afterEach(async () => await lab.close());

function cli(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [CLI, ...args], {
    cwd: lab.projectDir,
    encoding: 'utf8',
    env: {
      // With the agent's own folder, so that set-up can ask it for its version.
      PATH: [...(withAgent ? [dirname(lab.claude)] : []), dirname(process.execPath), '/bin'].join(
        ':',
      ),
      HOME: lab.home,
    },
  });
  expect(status, stderr).toBe(0);
  return stdout;
}

const scenario = ({ projectDir }: { projectDir: string }): Scenario => ({
  main: [
    [thinking('Two files to read.'), text('Reading both.'), ...reads(projectDir)],
    {
      blocks: [
        tool('Edit', { file_path: `${projectDir}/a.txt`, old_string: 'two', new_string: 'zwei' }),
      ],
      usage: {
        cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 4000 },
      },
    },
    [tool('Bash', { command: 'echo boom >&2; exit 3', description: 'Fail' })],
    [tool('Bash', { command: 'echo boom >&2; exit 3', description: 'Fail' })],
    // No such tool: no hook fires for it, only the transcript knows.
    [tool('NoSuchTool', { x: 1 })],
    [
      tool('Agent', {
        description: 'Count files',
        prompt: 'SCENARIO:count please count the files',
        subagent_type: 'general-purpose',
        run_in_background: false,
      }),
    ],
    [
      tool('Agent', {
        description: 'Look around',
        prompt: 'SCENARIO:look please look around',
        subagent_type: 'general-purpose',
        run_in_background: true,
      }),
    ],
    [tool('Bash', { command: 'sleep 0.5; echo over', description: 'Wait' })],
    [text('All done.')],
  ],
  count: [[tool('Bash', { command: 'ls | wc -l', description: 'Count' })], [text('Two.')]],
  look: [[tool('Bash', { command: 'ls', description: 'List' })], [text('Files.')]],
});

const reads = (projectDir: string) => [
  tool('Read', { file_path: `${projectDir}/a.txt` }),
  tool('Read', { file_path: `${projectDir}/b.txt`, offset: 2, limit: 1 }),
];

/** The bill, from the transcripts alone and by other code than ours: one entry a message. */
function bill(transcripts: Transcript[]): Map<string, Usage> {
  const messages = new Map<string, Usage>();
  for (const { rows } of transcripts) {
    for (const { type, message } of rows) {
      const usage = message?.usage as Usage | undefined;
      if (type !== 'assistant' || !usage || message?.model === '<synthetic>') continue;
      const known = messages.get(message?.id ?? '');
      if (!known || usage.output_tokens >= known.output_tokens) {
        messages.set(message?.id ?? '', usage);
      }
    }
  }
  return messages;
}

function dollars(usages: Iterable<Usage>): number {
  let sum = 0;
  for (const usage of usages) {
    const { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long } =
      usage.cache_creation;
    const tokens = {
      input_tokens: usage.input_tokens + usage.cache_read_input_tokens + short + long,
      cache_read_tokens: usage.cache_read_input_tokens,
      cache_write_tokens: short + long,
      cache_write_1h_tokens: long,
      output_tokens: usage.output_tokens,
    };
    sum += calcPrice(tokens, MODEL, { providerId: 'anthropic' })!.total_price;
  }
  return sum;
}

test.each([
  ['as set up for the installed version', true],
  // The agent is not on the PATH: only the oldest hooks are installed, the transcript tells the rest.
  ['as set up for an unknown version', false],
])(
  'what is recorded equals the transcripts, call by call and token by token, %s',
  async (_, known) => {
    withAgent = known;
    lab = await ClaudeLab.create({
      files: { 'a.txt': 'one\ntwo\nthree\n', 'b.txt': 'eins\nzwei\ndrei\n' },
      scenario,
    });
    cli('setup', '--cli', 'claude', '--yes');

    const run = await lab.run({ prompt: 'SCENARIO:main please', args: ['--model', MODEL] });
    expect(run.code, run.stderr).toBe(0);
    const session = run.transcripts.find(({ subagent }) => !subagent)!.name;
    const want = bill(run.transcripts);
    expect(want.size).toBeGreaterThanOrEqual(13);

    interface Cost {
      cost_usd: number;
      responses: number;
      tokens: Record<string, number>;
      subagents_usd?: number;
    }
    // The last rows are read by the sweeper, a moment after the agent has gone.
    await vi.waitFor(() => {
      const cost = JSON.parse(cli('cost', session, '--json')) as { cost: Cost } & Cost;
      expect((cost.cost ?? cost).responses).toBe(want.size);
    }, 15_000);

    // Call by call: every tool_use block of every transcript is a call of the trace, and no other is.
    const events = lab
      .read(`.agent-traces/${session}/events.ndjson`)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as TraceEvent);
    const told = run.transcripts.flatMap((transcript) => toolCalls(transcript));
    const recorded = new Map(
      events
        .filter(({ event_type, data }) => event_type === 'tool_call' && !data.event_subtype)
        .map(({ data }) => [String(data.tool_use_id), data]),
    );
    expect([...recorded.keys()].sort()).toEqual(told.map(({ id }) => id).sort());
    for (const { id, name, input } of told) {
      expect(recorded.get(id)).toMatchObject({ tool_name: name });
      // Claude fills in defaults (replace_all); what the model asked for is all there.
      expect(recorded.get(id)?.arguments).toMatchObject(input as object);
    }
    const outcomes = new Set(
      events
        .filter(({ event_type }) => event_type === 'tool_result' || event_type === 'error')
        .map(({ data }) => String(data.tool_use_id)),
    );
    for (const { id, name } of told) expect(outcomes.has(id), `no result of ${name}`).toBe(true);

    // In its own lane: what a subagent did names the subagent.
    for (const { name, subagent, ...transcript } of run.transcripts) {
      if (!subagent) continue;
      for (const { id } of toolCalls({ name, subagent, ...transcript })) {
        expect(`agent-${recorded.get(id)?.agent_id}`).toBe(name);
      }
    }

    // Token by token, and the money: against the transcripts, and against what the model says it sent.
    const stats = JSON.parse(cli('stats', session, '--json')) as Record<string, unknown>;
    const text = JSON.stringify(stats);
    const cost = JSON.parse(cli('cost', session, '--json')) as Record<string, unknown>;
    const sum = (pick: (usage: Usage) => number): number =>
      [...want.values()].reduce((total, usage) => total + pick(usage), 0);
    const all = JSON.stringify(cost);
    for (const tokens of [
      sum((u) => u.output_tokens),
      sum((u) => u.cache_read_input_tokens),
      sum((u) => u.cache_creation.ephemeral_1h_input_tokens),
    ]) {
      expect(all).toMatch(new RegExp(`:${tokens}\\b`));
    }
    const usd = findNumber(cost, 'cost_usd');
    expect(usd).toBeCloseTo(dollars(want.values()), 8);
    const answered = new Set(want.keys());
    const sent = lab.mock.answers.filter(({ messageId }) => answered.has(messageId));
    expect(usd).toBeCloseTo(dollars(sent.map(({ usage }) => usage)), 8);
    expect(text).toContain('"retries":1');

    // The test can fail: without the dedupe of repeated rows the bill is another.
    const everyRow = run.transcripts.flatMap(({ rows }) =>
      rows.flatMap(({ type, message }) =>
        type === 'assistant' && message?.usage ? [message.usage as unknown as Usage] : [],
      ),
    );
    expect(dollars(everyRow)).toBeGreaterThan(usd * 1.05);

    // A second reading of the same transcript changes nothing.
    expect(JSON.parse(cli('list', '--json'))).toHaveLength(1);
    const discovered = JSON.parse(cli('import', '--discover', '--json')) as { cost_usd: number }[];
    expect(discovered).toHaveLength(1);
    expect(discovered[0]?.cost_usd).toBeCloseTo(usd, 8);

    cli('setup', '--cli', 'claude', '--remove', '--yes');
  },
);

/** The first number under this key, wherever it stands. */
function findNumber(value: unknown, key: string): number {
  if (typeof value !== 'object' || value === null) return Number.NaN;
  const own = (value as Record<string, unknown>)[key];
  if (typeof own === 'number') return own;
  for (const inner of Object.values(value)) {
    const found = findNumber(inner, key);
    if (!Number.isNaN(found)) return found;
  }
  return Number.NaN;
}
