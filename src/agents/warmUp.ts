/** What the recorder's code cache is made of: made-up sessions in a folder that is thrown away. */
import { execFile, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { textHash } from '../model/ids.ts';

/**
 * How Node runs the recorder. It is over before it has made much garbage: with so much room (MB) for it, none is collected on
 * the way; and before code pays that is compiled to be fast. A code cache is of the flags, too.
 */
export const FLAGS = ['--min-semi-space-size=4', '--no-opt', '--no-maglev', '--no-sparkplug'];

/**
 * Lets this Node record made-up events, and decide upon them by made-up rules, in a folder that is thrown away, and keeps
 * what it compiled for that. Without a cache everything works as well, a little slower.
 */
export function writeCodeCache(nodePath: string, lib: string, name: string): void {
  const warm = warmUp(lib, name);
  if (warm === undefined) return;
  const { runs, options, done } = warm;
  const ran = runs.every(
    ({ args, input }) =>
      spawnSync(nodePath, args, { ...options, input, stdio: ['pipe', 'ignore', 'ignore'] })
        .status === 0,
  );
  done(ran);
}

/** The same without keeping the caller waiting. */
export function writeCodeCacheAside(nodePath: string, lib: string, name: string): Promise<void> {
  const warm = warmUp(lib, name);
  if (warm === undefined) return Promise.resolve();
  const { runs, options, done } = warm;
  const run = ({ args, input }: WarmRun): Promise<boolean> =>
    new Promise((resolve) => {
      const child = execFile(nodePath, args, options, (error) => resolve(error === null));
      // It may end before it has read.
      child.stdin?.on('error', () => {});
      child.stdin?.end(input);
    });
  return runs
    .reduce<Promise<boolean>>(async (ran, next) => (await ran) && run(next), Promise.resolve(true))
    .then(done);
}

interface WarmRun {
  args: string[];
  input: string;
}

interface WarmUp {
  /** In turn: each finds what the ones before it have left. */
  runs: WarmRun[];
  options: { env: Record<string, string>; timeout: number };
  /** @param ok the run ended well */
  done(ok: boolean): void;
}

/** None of them trips: an answer is not what is warmed up. */
const WARM_RULES = [
  { name: 'path', condition: 'file_path writes "**/no-such-file"', action: 'deny' },
  { name: 'home', condition: 'file_path reads "~/.no-such/**"', action: 'deny' },
  { name: 'command', condition: 'command matches "no-such-program --force"', action: 'deny' },
  { name: 'regex', condition: 'command matches /no-such-.*-program/', action: 'deny' },
  { name: 'tool', condition: 'tool matches "no_such_tool"', action: 'deny' },
  { name: 'host', condition: 'host matches "no-such-host.example"', action: 'deny' },
  { name: 'cost', condition: 'cost_usd > 1000000', action: 'deny' },
  { name: 'metric', condition: 'tool_calls > 1000000 and not loop 9/10', action: 'stop' },
];

const WARM_MODEL = 'claude-warm';
const WARM_SESSION = '00000000-0000-4000-8000-000000000000';
const transcriptIn = (scratch: string): string =>
  join(scratch, '.claude', 'projects', 'warm', `${WARM_SESSION}.jsonl`);
const WARM_PRICES = {
  version: 1,
  list: '',
  date: '',
  providers: [
    {
      id: 'anthropic',
      model_match: { starts_with: 'claude' },
      models: [
        {
          id: WARM_MODEL,
          match: { equals: WARM_MODEL },
          prices: { input_mtok: 1, output_mtok: 1 },
          context_window: 200_000,
        },
      ],
    },
  ],
};

/** A session that has some length: its state is written by the first run, and read by the others. */
function writeWarmSession(scratch: string): void {
  const state = join(scratch, 'state');
  const guard = join(state, 'guard');
  const trace = join(scratch, 'traces', WARM_SESSION);
  for (const folder of [state, guard, join(scratch, 'traces'), trace])
    fs.mkdirSync(folder, { mode: 0o700 });
  const write = (path: string, text: string): void => fs.writeFileSync(path, text, { mode: 0o600 });
  write(join(state, 'rules.json'), JSON.stringify({ rules: WARM_RULES }));
  write(join(guard, 'prices.json'), JSON.stringify(WARM_PRICES));
  const lines = Array.from({ length: 30 }, (_, at) => warmEvents(at)).flat();
  write(join(trace, 'events.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const message = {
    id: 'msg_warm',
    role: 'assistant',
    model: WARM_MODEL,
    content: [{ type: 'text', text: 'Done.' }],
    usage: { input_tokens: 9, output_tokens: 9 },
  };
  const row = {
    type: 'assistant',
    uuid: 'warm',
    sessionId: WARM_SESSION,
    timestamp: '2026-01-01T00:00:00.000Z',
    requestId: 'req_warm',
    message,
  };
  fs.mkdirSync(dirname(transcriptIn(scratch)), { recursive: true, mode: 0o700 });
  write(transcriptIn(scratch), `${JSON.stringify(row)}\n`);
}

/** A call, how it ended, and what it cost. */
function warmEvents(at: number): object[] {
  const id = (kind: number): string => textHash(`${kind}:${at}`).slice(0, 12);
  const event = (event_type: string, kind: number, data: object, more: object = {}): object => ({
    event_type,
    timestamp: 1_790_000_000 + at,
    event_id: id(kind),
    session_id: WARM_SESSION,
    ...more,
    data: { recorded_by: 'hook', provider: 'claude', ...data },
  });
  const tool = at % 2 === 0 ? 'Edit' : 'Bash';
  const input = tool === 'Edit' ? { file_path: `/warm/${at}.ts` } : { command: 'npm test' };
  const files =
    tool === 'Edit' ? { files: [{ path: `/warm/${at}.ts`, kind: 'write', added: 1 }] } : {};
  const call = { tool_name: tool, tool_use_id: `warm-of-${at}` };
  const usage = { input_tokens: 9, output_tokens: 9 };
  return [
    event('tool_call', 1, { ...call, arguments: input }),
    event(
      at % 5 === 1 ? 'error' : 'tool_result',
      2,
      { ...call, result: 'done', ...files },
      { parent_id: id(1) },
    ),
    event('llm_response', 3, {
      event_subtype: 'usage',
      model: WARM_MODEL,
      message_id: id(4),
      usage,
    }),
  ];
}

function warmUp(lib: string, name: string): WarmUp | undefined {
  let scratch: string;
  try {
    scratch = fs.mkdtempSync(join(lib, 'warm-'));
    fs.rmSync(join(lib, `${name}.cache`), { force: true });
    writeWarmSession(scratch);
  } catch {
    return undefined;
  }
  const run = (agent: string, tool_name: string, tool_input: object, at: number): WarmRun => ({
    args: [...FLAGS, join(lib, 'hook.js'), '--agent', agent, 'PreToolUse'],
    input: JSON.stringify({
      session_id: agent === 'claude' ? WARM_SESSION : `warm-${agent}`,
      transcript_path: transcriptIn(scratch),
      cwd: scratch,
      hook_event_name: 'PreToolUse',
      tool_name,
      tool_use_id: `warm-${at}`,
      tool_input,
    }),
  });
  const edit = { file_path: 'src/a.ts', old_string: 'a', new_string: 'b' };
  const command = 'cd src && A=1 npm test -- --run a 2>&1 | tee out.log; rm -f "$TMP"/x';
  const runs = [
    run('claude', 'Bash', { command }, 1),
    run('claude', 'Edit', edit, 2),
    run('claude', 'Bash', { command: 'ls -la' }, 3),
    run('codex', 'Bash', { command: 'true' }, 4),
  ];
  const done = (ok: boolean): void => {
    try {
      for (const made of fs.readdirSync(lib)) {
        if (!made.endsWith('.cache.new')) continue;
        if (!ok) fs.rmSync(join(lib, made), { force: true });
        else {
          fs.chmodSync(join(lib, made), 0o600);
          fs.renameSync(join(lib, made), join(lib, made.slice(0, -'.new'.length)));
        }
      }
    } catch {
      // No cache: see above.
    } finally {
      fs.rmSync(scratch, { recursive: true, force: true });
    }
  };
  return {
    runs,
    options: {
      env: {
        HOME: scratch,
        AGENT_STRACE_HOME: join(scratch, 'state'),
        AGENT_TRACE_DIR: join(scratch, 'traces'),
        AGENT_STRACE_WRITE_CACHE: '1',
      },
      timeout: 10_000,
    },
    done,
  };
}
