/** What set-up does for every agent, and what each one's file looks like. Claude Code's own spec has more. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AGENT_IDS, type AgentId } from '../agent.ts';
import { BEFORE_TOOL } from '../hookEntry.ts';
import { isHookCommand } from '../launcher.ts';
import { applySetup, planSetup, SETUPS } from '../registry.ts';
import { sharePlans } from '../setupPlace.ts';
import type { PlanOptions, SetupPlan } from './plan.ts';

let root: string;
let project: string;
const env = () => ({ HOME: join(root, 'home'), AGENT_STRACE_HOME: join(root, 'state') });

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'setups-')));
  project = join(root, 'project');
  fs.mkdirSync(project);
  fs.mkdirSync(join(root, 'home'));
  fs.writeFileSync(join(root, 'hook.js'), '// the hook\n');
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const plan = (agent: AgentId, more: Partial<PlanOptions> = {}): SetupPlan =>
  planSetup(agent, { scope: 'project', projectDir: project, env: env(), ...more });
function run(agent: AgentId, more: Partial<PlanOptions> = {}): SetupPlan {
  const made = plan(agent, more);
  applySetup(made, { hookBundle: join(root, 'hook.js'), version: '1.2.3', env: env() });
  return made;
}
function write(path: string, text: string): void {
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, text);
}
const messages = (made: SetupPlan): string[] => made.problems.map(({ message }) => message);
const errors = (made: SetupPlan): string[] =>
  made.problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
/** All commands of a file of hooks, with their event. */
function commandsOf(text: string): [event: string, command: string][] {
  const { hooks } = JSON.parse(text) as { hooks: Record<string, Record<string, unknown>[]> };
  return Object.entries(hooks).flatMap(([event, entries]) =>
    entries
      .flatMap((entry) => (Array.isArray(entry.hooks) ? (entry.hooks as typeof entries) : [entry]))
      .map((handler): [string, string] => [event, String(handler.command ?? handler.bash)]),
  );
}

const FILES: Record<AgentId, { project: string; user: string }> = {
  claude: { project: '.claude/settings.json', user: '.claude/settings.json' },
  codex: { project: '.codex/hooks.json', user: '.codex/hooks.json' },
  gemini: { project: '.gemini/settings.json', user: '.gemini/settings.json' },
  cursor: { project: '.cursor/hooks.json', user: '.cursor/hooks.json' },
  copilot: { project: '.github/hooks/agent-strace.json', user: '.copilot/hooks/agent-strace.json' },
  vscode: { project: '.github/hooks/agent-strace.json', user: '.copilot/hooks/agent-strace.json' },
  opencode: {
    project: '.opencode/plugins/agent-strace.js',
    user: '.config/opencode/plugins/agent-strace.js',
  },
};
const withHooks = AGENT_IDS.filter((agent) => agent !== 'opencode');
/** Others' entries in the shape of each agent's file. */
const OTHERS: Partial<Record<AgentId, [event: string, text: string]>> = {
  codex: [
    'Stop',
    '{\n    "description": "ours",\n    "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "./done.sh"}]}]}\n}\n',
  ],
  gemini: [
    'BeforeTool',
    '{\n\t// my settings\n\t"ui": {"theme": "x"}, /* dark */\n\t"hooks": {\n\t\t"BeforeTool": [\n\t\t\t{"matcher": "run_.*", "hooks": [{"type": "command", "command": "./check.sh"}]}\n\t\t]\n\t}\n}\n',
  ],
  cursor: [
    'stop',
    '{\r\n  "version": 1,\r\n  "hooks": {\r\n    "stop": [{ "command": "./done.sh" }] // done\r\n  }\r\n}\r\n',
  ],
  copilot: ['preToolUse', '{"hooks": {"preToolUse": [{"type": "command", "bash": "./check.sh"}]}}'],
};

describe.each(AGENT_IDS)('%s', (agent) => {
  it.each(['project', 'user'] as const)('is set up for %s, once, and taken back', (scope) => {
    const base = scope === 'user' ? join(root, 'home') : project;
    const file = join(base, FILES[agent][scope]);
    const made = run(agent, { scope });
    expect(errors(made)).toEqual([]);
    expect(made.file).toBe(file);
    expect(fs.readFileSync(file, 'utf8')).toBe(made.after);
    expect(plan(agent, { scope }).changed).toBe(false);
    const removed = run(agent, { scope, remove: true });
    expect(removed.changed).toBe(true);
    // The folders that were made for it go, too.
    expect(fs.readdirSync(base).filter((name) => name !== '.agent-traces')).toEqual([]);
    expect(plan(agent, { scope, remove: true }).changed).toBe(false);
  });

  it('is taken out where the note of what was there is lost', () => {
    const { file } = run(agent);
    fs.rmSync(join(root, 'state', 'setup'), { recursive: true });
    run(agent, { remove: true });
    const left = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    expect(left).not.toContain('agent-strace');
    // A file that is ours alone is not left behind as an empty shell.
    if (file.includes('agent-strace')) expect(fs.existsSync(file)).toBe(false);
  });

  it('does not follow a link out of the project', () => {
    const folder = dirname(FILES[agent].project);
    fs.mkdirSync(join(root, 'elsewhere'));
    fs.mkdirSync(dirname(join(project, folder)), { recursive: true });
    fs.symlinkSync(join(root, 'elsewhere'), join(project, folder));
    const refused = plan(agent);
    expect(errors(refused)[0]).toContain('leads out of the project');
    expect(() => run(agent)).toThrow('leads out of the project');
    expect(fs.readdirSync(join(root, 'elsewhere'))).toEqual([]);
  });

  it('leaves what is not its own alone', () => {
    const text = '{ "hooks": 1,, }';
    write(join(project, FILES[agent].project), text);
    expect(errors(plan(agent))).toHaveLength(1);
    expect(() => run(agent)).toThrow();
    expect(fs.readFileSync(join(project, FILES[agent].project), 'utf8')).toBe(text);
  });
});

describe.each(withHooks)('the commands of %s', (agent) => {
  it('name the agent and the event, and never answer', () => {
    const { after, events } = plan(agent, { agentVersion: '2.1.330' });
    const commands = commandsOf(after ?? '');
    expect(commands.map(([event]) => event)).toEqual(events);
    for (const [event, command] of commands) {
      expect(isHookCommand(command, SETUPS[agent].agent)).toBe(true);
      const words = event === BEFORE_TOOL[agent] ? `${event} --timeout 300` : event;
      expect(command).toMatch(new RegExp(`--agent ${SETUPS[agent].agent} ${words}(?:; exit 0)?$`));
      // Without a launcher the command is silent and ends with 0.
      const options = { env: { PATH: '/usr/bin:/bin' }, stdio: 'pipe' as const };
      expect(execFileSync('/bin/sh', ['-c', command], options).toString()).toBe('');
    }
  });

  it('end with 0 where the launcher is there and cannot be run', () => {
    if (agent === 'claude' || agent === 'codex') return;
    const launcher = join(root, 'state', 'bin', 'agent-strace-hook');
    write(launcher, '#!/no/such/shell\n');
    fs.chmodSync(launcher, 0o700);
    const [, command] = commandsOf(plan(agent).after ?? '')[0]!;
    const options = { env: { PATH: '/usr/bin:/bin' }, stdio: 'pipe' as const };
    expect(execFileSync('/bin/sh', ['-c', command], options).toString()).toBe('');
  });
});

describe.each(Object.entries(OTHERS))('hooks of others in the file of %s', (name, other) => {
  const agent = name as AgentId;
  const [event, text] = other;
  const file = () => join(project, FILES[agent].project);

  it('stay, and are alone again after removal, to the byte', () => {
    write(file(), text);
    const made = run(agent);
    expect(errors(made)).toEqual([]);
    const after = fs.readFileSync(file(), 'utf8');
    for (const comment of text.match(/\/\/ [\w ]+|\/\*.*?\*\//g) ?? []) {
      expect(after).toContain(comment);
    }
    expect(after).toMatch(/\.\/(?:done|check)\.sh/);
    expect(after.indexOf('.sh')).toBeLessThan(after.indexOf(`--agent ${agent} ${event}`));
    run(agent, { remove: true });
    expect(fs.readFileSync(file(), 'utf8')).toBe(text);
  });

  it('stay where the file was changed after set-up', () => {
    write(file(), text);
    run(agent);
    fs.appendFileSync(file(), '\n');
    run(agent, { remove: true });
    const left = fs.readFileSync(file(), 'utf8');
    expect(left).toMatch(/\.\/(?:done|check)\.sh/);
    expect(left).not.toContain('agent-strace');
  });

  it('stay where older entries of ours are renewed', () => {
    write(file(), text);
    run(agent);
    const old = fs.readFileSync(file(), 'utf8').replaceAll('state/bin', 'state/old');
    write(file(), old);
    const made = run(agent);
    expect(made.changed).toBe(true);
    const after = fs.readFileSync(file(), 'utf8');
    expect(after).not.toContain('state/old');
    expect(after).toMatch(/\.\/(?:done|check)\.sh/);
    expect(plan(agent).changed).toBe(false);
  });
});

it.each(['claude', 'codex', 'gemini', 'cursor', 'copilot'] as const)(
  'a file of %s that is nested beyond all measure is left as it is',
  (agent) => {
    const { file } = plan(agent);
    fs.mkdirSync(dirname(file), { recursive: true });
    fs.writeFileSync(file, `{"hooks": ${'['.repeat(100_000)}`);
    const { problems, changed } = plan(agent);
    expect([changed, problems.map(({ message }) => message).join()]).toEqual([
      false,
      expect.stringContaining('is nested too deep'),
    ]);
  },
);

describe('what is written', () => {
  it.each(['codex', 'gemini', 'cursor', 'copilot'] as const)('for %s', (agent) => {
    const first = (made: SetupPlan): string => {
      const value = JSON.parse(made.after ?? '{}') as { hooks: Record<string, unknown> };
      const names = Object.keys(value.hooks);
      const kept = names.filter((name) => /session_?end|^(pre|before)_?tool/i.test(name));
      const hooks = Object.fromEntries(kept.map((name) => [name, value.hooks[name]]));
      return JSON.stringify({ ...value, hooks }, null, 2);
    };
    const home = { HOME: env().HOME };
    expect(first(plan(agent, { env: home }))).toMatchSnapshot('for everybody');
    expect(first(plan(agent, { env: home, scope: 'user' }))).toMatchSnapshot('for one');
  });
});

describe('one agent in two files', () => {
  it.each(['codex', 'gemini', 'cursor', 'copilot', 'opencode'] as const)(
    'is recorded by one of them: %s',
    (agent) => {
      const user = run(agent, { scope: 'user' });
      const covered = run(agent);
      expect(covered.coveredBy).toBe(user.file);
      expect(covered.changed).toBe(false);
      run(agent, { scope: 'user', remove: true });
      run(agent);
      expect(errors(plan(agent, { scope: 'user' }))[0]).toContain(
        `agent-strace setup --cli ${agent} --scope project --remove`,
      );
    },
  );

  it('renews both where both are there', () => {
    run('gemini');
    const text = fs.readFileSync(join(project, FILES.gemini.project), 'utf8');
    write(join(root, 'home', FILES.gemini.user), text.replaceAll('10000', '5000'));
    expect(run('gemini', { scope: 'user' }).changed).toBe(true);
    expect(plan('gemini').changed).toBe(false);
  });
});

it('writes one file for Copilot CLI and VS Code', () => {
  const shared = sharePlans([plan('vscode'), plan('codex'), plan('copilot')]);
  expect(shared.map(({ agents }) => agents)).toEqual([['vscode', 'copilot'], ['codex']]);
  run('vscode');
  expect(plan('copilot').changed).toBe(false);
  run('copilot', { remove: true });
  expect(plan('vscode', { remove: true }).changed).toBe(false);
});

describe('what keeps hooks from running', () => {
  it('in Codex', () => {
    const config = join(root, 'home', '.codex', 'config.toml');
    write(config, '[features]\nhooks = false # off\n\n[hooks.state."x"]\ntrusted_hash = "1"\n');
    expect(messages(plan('codex'))).toEqual([
      `hooks are off in ${config}: Codex runs none, so nothing will be recorded`,
    ]);
    write(config, 'features.codex_hooks = false\n[[hooks.Stop]]\nmatcher = ""\n');
    expect(messages(plan('codex'))).toHaveLength(2);
    write(config, '# [features]\nhooks = false\n[profiles.x]\nhooks = false\n');
    expect(messages(plan('codex'))).toEqual([]);
    expect(messages(plan('codex', { agentVersion: 'codex-cli 0.120.1' }))[0]).toContain('0.124.0');
    expect(messages(plan('codex', { agentVersion: 'codex-cli 0.169.0' }))).toEqual([]);
    write(join(project, '.codex', 'hooks.json'), '{"$schema": "x", "hooks": {}}');
    expect(messages(plan('codex'))[0]).toContain('"$schema" must go');
    write(join(project, '.codex', 'hooks.json'), '{\n  // Codex reads no comments\n}');
    expect(errors(plan('codex'))[0]).toContain('a comment, which this agent does not read');
  });

  it('in Gemini CLI', () => {
    expect(messages(plan('gemini'))).toEqual([]);
    const user = join(root, 'home', '.gemini', 'settings.json');
    write(user, '{"hooksConfig": {"enabled": false}}');
    for (const scope of ['user', 'project'] as const) {
      expect(messages(plan('gemini', { scope }))[0]).toContain('"hooksConfig.enabled" is off');
    }
    write(user, '{"hooksConfig": {"disabled": ["agent-strace"]}}');
    expect(messages(plan('gemini'))[0]).toContain('/hooks enable agent-strace');
    write(join(project, '.gemini', 'settings.json'), '{ "ui": {}, }');
    expect(errors(plan('gemini'))[0]).toContain('a name in quotes is missing at line 1, column 13');
  });

  it('in Copilot CLI and VS Code', () => {
    write(join(root, 'home', '.copilot', 'settings.json'), '{"disableAllHooks": true}');
    expect(messages(plan('copilot'))[0]).toContain('disableAllHooks');
    const moved = { ...env(), COPILOT_HOME: join(root, 'moved') };
    const made = plan('vscode', { scope: 'user', env: moved });
    expect(made.file).toBe(join(root, 'moved/hooks/agent-strace.json'));
    expect(messages(made)[0]).toContain('COPILOT_HOME is set');
  });
});

it('writes nothing into a file of hooks of a version that it does not know', () => {
  write(join(project, '.cursor', 'hooks.json'), '{"version": 2, "hooks": {}}');
  expect(errors(plan('cursor'))[0]).toContain('has a "version" that is not 1');
});
