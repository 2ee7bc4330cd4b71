/** The files that set-up writes, read by the real agents: do they run what stands in them, once? */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installTool } from '../../scripts/tools.mjs';
import type { AgentId } from '../../src/agents/agent.ts';
import { applySetup, planSetup } from '../../src/agents/registry.ts';
import type { SetupPlan, SetupScope } from '../../src/agents/setup/plan.ts';
import { killTree } from '../processes.ts';
import { labEnvironment } from './agentRuns.ts';

let root: string;
let home: string;
let project: string;
const running = new Set<ChildProcess>();

/** A model that refuses everything, which no agent tries again. */
const model = createServer((_, answer) => {
  answer.writeHead(400, { 'content-type': 'application/json' });
  answer.end('{"error": {"type": "invalid_request_error", "code": 400, "message": "refused"}}');
});
let modelUrl: string;
beforeAll(async () => {
  model.listen(0, '127.0.0.1');
  await once(model, 'listening');
  modelUrl = `http://127.0.0.1:${(model.address() as AddressInfo).port}`;
});
afterAll(() => {
  model.closeAllConnections();
  model.close();
});

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'agent-strace-setups-')));
  home = join(root, 'home');
  project = join(root, 'project');
  mkdirSync(join(project, '.git'), { recursive: true });
  mkdirSync(home);
  // In the recorder's place: it only says that it was called.
  write(
    join(root, 'hook.js'),
    "require('fs').appendFileSync(process.env.HOME + '/fired', process.argv.slice(2).join(' ') + '\\n');",
  );
});
afterEach(() => {
  for (const child of running) killTree(child);
  running.clear();
  killTree(undefined, home);
  rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const environment = (more: Record<string, string> = {}): Record<string, string> => ({
  ...labEnvironment(home),
  ...more,
});

function setUp(agent: AgentId, scope: SetupScope): SetupPlan {
  const env = { HOME: home, AGENT_STRACE_HOME: join(home, '.agent-strace') };
  const plan = planSetup(agent, { scope, projectDir: project, env });
  applySetup(plan, {
    hookBundle: join(root, 'hook.js'),
    version: '1.0.0',
    nodePath: process.execPath,
    env,
  });
  return plan;
}

/** Runs an agent to its end, which comes soon: its model refuses. */
async function run(program: string, args: string[], env: Record<string, string>): Promise<string> {
  const child = spawn(program, args, {
    cwd: project,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  const timer = setTimeout(() => killTree(child, home), 60_000);
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  child.stderr.on('data', (chunk) => (said += chunk));
  await once(child, 'close');
  clearTimeout(timer);
  return said;
}

/** What the recorder was called with, in order. */
const fired = (): string[] =>
  existsSync(join(home, 'fired'))
    ? readFileSync(join(home, 'fired'), 'utf8').trimEnd().split('\n')
    : [];

const program = async (name: 'codex' | 'gemini' | 'copilot'): Promise<string> =>
  join(await installTool(name), 'node_modules', '.bin', name);

describe('Codex', () => {
  const config = (): void =>
    write(
      join(home, '.codex', 'config.toml'),
      `model = "gpt-5.5"
model_provider = "mock"
approval_policy = "never"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.mock]
name = "mock"
base_url = "${modelUrl}/v1"
wire_api = "responses"
env_key = "MOCK_API_KEY"
request_max_retries = 0
stream_max_retries = 0
supports_websockets = false
[projects."${project}"]
trust_level = "trusted"
`,
    );
  const exec = async (...flags: string[]): Promise<string> =>
    run(await program('codex'), ['exec', '--json', '--skip-git-repo-check', ...flags, 'hello'], {
      MOCK_API_KEY: 'x',
    });

  test.each(['user', 'project'] as const)('runs the hooks of %s, once trusted', async (scope) => {
    config();
    setUp('codex', scope);
    await exec();
    // Nobody has reviewed them.
    expect(fired()).toEqual([]);
    await exec('--dangerously-bypass-hook-trust');
    expect(fired().slice(0, 2)).toEqual([
      '--agent codex SessionStart',
      '--agent codex UserPromptSubmit',
    ]);
    expect(new Set(fired()).size).toBe(fired().length);
  });

  test('has nothing to say against the files', async () => {
    config();
    const user = setUp('codex', 'user');
    const listed = await listHooks();
    expect(listed).toMatchObject({ warnings: [], errors: [] });
    const { hooks } = listed as { hooks: Record<string, unknown>[] };
    expect(hooks).toHaveLength(user.events.length);
    for (const hook of hooks) expect(hook).toMatchObject({ trustStatus: 'untrusted' });
  });

  /** What the app server says of a project's hooks. */
  async function listHooks(): Promise<unknown> {
    const child = spawn(await program('codex'), ['app-server'], {
      cwd: project,
      env: environment(),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    running.add(child);
    const send = (message: object): boolean => child.stdin.write(`${JSON.stringify(message)}\n`);
    const clientInfo = { name: 'test', title: 'test', version: '0' };
    send({ id: 1, method: 'initialize', params: { clientInfo } });
    send({ method: 'initialized' });
    send({ id: 2, method: 'hooks/list', params: { cwds: [project] } });
    for await (const line of createInterface({ input: child.stdout })) {
      const answer = JSON.parse(line) as { id?: number; result?: { data: unknown[] } };
      if (answer.id === 2) return answer.result?.data[0];
    }
    return undefined;
  }
});

describe('Gemini CLI', () => {
  test.each(['user', 'project'] as const)('runs the hooks of %s', async (scope) => {
    write(
      join(home, '.gemini', 'settings.json'),
      `{
  // Comments stay.
  "security": { "auth": { "selectedType": "gemini-api-key" }, "folderTrust": { "enabled": false } },
  "general": { "disableAutoUpdate": true },
  "privacy": { "usageStatisticsEnabled": false }
}
`,
    );
    setUp('gemini', scope);
    await run(await program('gemini'), ['-m', 'gemini-2.5-flash', '--skip-trust', '-p', 'hello'], {
      GEMINI_API_KEY: 'x',
      GOOGLE_GEMINI_BASE_URL: modelUrl,
    });
    expect(fired().slice(0, 2)).toEqual([
      '--agent gemini SessionStart',
      '--agent gemini BeforeAgent',
    ]);
    expect(fired().filter((line) => line.endsWith('SessionStart'))).toHaveLength(1);
  });
});

describe('Copilot CLI', () => {
  test.each(['user', 'project'] as const)('runs the hooks of %s', async (scope) => {
    write(join(home, '.copilot', 'config.json'), JSON.stringify({ trusted_folders: [project] }));
    setUp('copilot', scope);
    const args = ['--allow-all', '--output-format', 'json', '-p', 'hello'];
    await run(await program('copilot'), args, {
      COPILOT_OFFLINE: 'true',
      COPILOT_AUTO_UPDATE: 'false',
      COPILOT_PROVIDER_TYPE: 'anthropic',
      COPILOT_PROVIDER_BASE_URL: modelUrl,
      COPILOT_PROVIDER_API_KEY: 'x',
      COPILOT_MODEL: 'claude-sonnet-4.5',
    });
    const calls = fired();
    for (const event of ['sessionStart', 'userPromptSubmitted']) {
      expect(calls.filter((line) => line === `--agent copilot ${event}`)).toHaveLength(1);
    }
  });
});
