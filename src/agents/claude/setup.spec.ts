import * as fs from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'jsonc-parser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applySetup, planSetup } from '../registry.ts';
import { addHooks, hasJust, removeHooks } from '../setup/hookFile.ts';
import { undo } from '../setup/jsonEdit.ts';
import type { PlanOptions, SetupScope } from '../setup/plan.ts';
import { isAtLeast, versionIn } from '../setup/version.ts';
import { setupDiff } from '../setupDiff.ts';
import { CLAUDE_FORMAT, wantedGroups } from './settings.ts';

let root: string;
let project: string;
let bundle: string;
const env = () => ({
  AGENT_STRACE_HOME: join(root, 'state'),
  CLAUDE_CONFIG_DIR: join(root, 'claude'),
});

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'setup-')));
  project = join(root, 'project');
  bundle = join(root, 'hook.js');
  fs.mkdirSync(project);
  fs.writeFileSync(bundle, '// the hook\n');
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const NEW = '2.1.330 (Claude Code)';
const plan = (more: Partial<PlanOptions> = {}) =>
  planSetup('claude', {
    scope: 'project',
    projectDir: project,
    agentVersion: NEW,
    env: env(),
    ...more,
  });
const install = () => ({
  hookBundle: bundle,
  version: '1.2.3',
  nodePath: process.execPath,
  env: env(),
});
const run = (more: Partial<PlanOptions> = {}) => {
  const made = plan(more);
  applySetup(made, install());
  return made;
};
const settingsPath = () => join(project, '.claude', 'settings.json');
const read = () => fs.readFileSync(settingsPath(), 'utf8');
function write(text: string): void {
  fs.mkdirSync(join(project, '.claude'), { recursive: true });
  fs.writeFileSync(settingsPath(), text);
}

interface Settings {
  hooks: Record<string, { matcher?: string; hooks: { command: string; timeout: number }[] }[]>;
}

const COMMENTED = `{
    // my settings
    "model": "opus", /* the big one */
    "hooks": {
        "PreToolUse": [
            {
                "matcher": "Bash", // only shell
                "hooks": [{ "type": "command", "command": "./check.sh" }]
            },
        ],
        "Stop": []
    },
    "env": {"A": "b"}
}`;

describe('setup', () => {
  it('writes the hooks into a project without settings, and a trace folder', () => {
    const made = run();
    const { hooks } = JSON.parse(read()) as Settings;
    expect(Object.keys(hooks)).toEqual(made.events);
    expect(made.events).toContain('PostToolBatch');
    expect(made.events).not.toContain('WorktreeCreate');
    expect(made.events).not.toContain('MessageDisplay');
    for (const [event, groups] of Object.entries(hooks)) {
      expect(groups).toHaveLength(1);
      const handler = groups[0]!.hooks[0]!;
      expect(handler).toMatchObject({ type: 'command' });
      expect(handler).not.toHaveProperty('async');
      expect(handler.timeout).toBeGreaterThan(1.5);
      const words = event === 'PreToolUse' ? `${event} --timeout 300` : event;
      expect(handler.command).toMatch(new RegExp(`agent-strace-hook['"] --agent claude ${words}$`));
      expect(groups[0]!.matcher).toBe(
        /Tool(Use|UseFailure)$|^Permission/.test(event) ? '*' : undefined,
      );
    }
    expect(fs.readFileSync(join(project, '.agent-traces', '.gitignore'), 'utf8')).toBe('*\n');
    const lib = fs.readdirSync(join(root, 'state/lib'));
    const recorder = lib.find((name) => /^recorder-[0-9a-f]{12}\.js$/.test(name));
    expect(fs.readFileSync(join(root, 'state/lib', recorder ?? ''), 'utf8')).toContain(
      '// the hook\n',
    );
    expect(fs.readFileSync(join(root, 'state/lib/hook.js'), 'utf8')).toContain(
      recorder?.replace('.js', ''),
    );
    expect(fs.statSync(join(root, 'state/bin/agent-strace-hook')).mode & 0o777).toBe(0o700);
  });

  it('names the launcher by $HOME, the same in every scope', () => {
    const home = { CLAUDE_CONFIG_DIR: join(root, 'claude') };
    const commands = (['local', 'project', 'user'] as SetupScope[]).map((scope) => {
      const { after } = plan({ scope, env: home });
      return (JSON.parse(after!) as Settings).hooks.Stop![0]!.hooks[0]!.command;
    });
    const path = '"$HOME/.agent-strace/bin/agent-strace-hook"';
    expect(new Set(commands)).toEqual(
      new Set([`[ ! -x ${path} ] || exec ${path} --agent claude Stop`]),
    );
    expect(homedir()).not.toBe('');
  });

  it('does it once', () => {
    run();
    const before = read();
    const again = run();
    expect(again.changed).toBe(false);
    expect(setupDiff(again)).toBe('');
    expect(read()).toBe(before);
  });

  it('keeps comments and the hooks of others', () => {
    write(COMMENTED);
    const made = run();
    expect(made.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    const text = read();
    expect(text).toContain('// my settings');
    expect(text).toContain('/* the big one */');
    const { hooks } = parse(text, [], { allowTrailingComma: true }) as Settings;
    expect(hooks.PreToolUse).toHaveLength(2);
    expect(hooks.PreToolUse![0]).toMatchObject({ matcher: 'Bash' });
    expect(hooks.PreToolUse![0]!.hooks[0]!.command).toBe('./check.sh');
    expect(setupDiff(made)).toMatch(/^--- .*settings\.json\n\+\+\+ .*settings\.json\n@@/);
    expect(setupDiff(made)).toContain('+                "matcher": "*"');
  });

  it.each([
    ['nothing', undefined],
    ['an empty file', ''],
    ['{}', '{}'],
    ['comments', COMMENTED],
    ['hooks that are null', '{ "hooks": null, "a": 1 }'],
    ['an event that is null', '{\n  "hooks": {\n    "PreToolUse": null\n  }\n}\n'],
    ['an empty list of hooks', '{"hooks":{}}'],
    ['one line', '{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x"}]}]},"a":1}'],
    ['CRLF and tabs', '{\r\n\t"a": 1,\r\n\t"hooks": {\r\n\t\t"Stop": []\r\n\t}\r\n}\r\n'],
    ['a byte order mark', '\ufeff{\n  "a": "ü"\n}\n'],
  ])('--remove gives back %s byte for byte', (_, text) => {
    if (text !== undefined) write(text);
    run();
    expect(fs.existsSync(settingsPath())).toBe(true);
    run({ remove: true });
    // The folder that was made for it goes, too.
    if (text === undefined) expect(fs.existsSync(join(project, '.claude'))).toBe(false);
    else expect(read()).toBe(text);
    expect(plan({ remove: true }).changed).toBe(false);
  });

  it('--remove leaves a folder that was there, or that others use meanwhile', () => {
    fs.mkdirSync(join(project, '.claude'));
    run();
    run({ remove: true });
    expect(fs.readdirSync(join(project, '.claude'))).toEqual([]);
    fs.rmdirSync(join(project, '.claude'));
    run({ agentVersion: '1.0.90' });
    run();
    fs.writeFileSync(join(project, '.claude', 'notes.md'), '');
    run({ remove: true });
    expect(fs.readdirSync(join(project, '.claude'))).toEqual(['notes.md']);
  });

  it('adds to hooks that are null', () => {
    write('{ "hooks": null }');
    expect(run({ scope: 'project' }).problems.map(({ severity }) => severity)).not.toContain(
      'error',
    );
    expect((JSON.parse(read()) as Settings).hooks.PreToolUse).toHaveLength(1);
    write('{ "hooks": { "PreToolUse": null } }');
    run();
    expect((JSON.parse(read()) as Settings).hooks.PreToolUse).toHaveLength(1);
    expect(plan().changed).toBe(false);
  });

  it('gives it back after an upgrade too', () => {
    write(COMMENTED);
    run({ agentVersion: '1.0.90' });
    const old = read();
    expect(old).not.toContain('PostToolBatch');
    run();
    expect(read()).toContain('PostToolBatch');
    run({ remove: true });
    expect(read()).toBe(COMMENTED);
  });

  it('--remove takes out only what is ours where others changed the file meanwhile', () => {
    write('{\n  "a": 1\n}\n');
    run();
    write(read().replace('"a": 1', '"a": 2'));
    run({ remove: true });
    expect(read()).toBe('{\n  "a": 2\n}\n');
    write(COMMENTED);
    run();
    write(read().replace('"model": "opus"', '"model": "sonnet"'));
    run({ remove: true });
    const left = read();
    expect(left).toContain('./check.sh');
    expect(left).toContain('// only shell');
    expect(left).not.toContain('agent-strace');
  });

  it('adds to any settings and takes out again, changing nothing else', { timeout: 30_000 }, () => {
    const handler = fc.record({ type: fc.constant('command'), command: fc.string() });
    const group = fc.record({ matcher: fc.string(), hooks: fc.array(handler, { maxLength: 3 }) });
    const events = fc.constantFrom('Stop', 'PreToolUse', 'SessionEnd', 'Other');
    const settings = fc.record(
      {
        hooks: fc.dictionary(events, fc.array(group, { maxLength: 3 }), { maxKeys: 4 }),
        env: fc.dictionary(fc.string(), fc.string(), { maxKeys: 2 }),
        x: fc.jsonValue({ maxDepth: 2 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(settings, fc.constantFrom('', '  ', '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const wanted = wantedGroups('1.0.90', env());
        const added = addHooks(text, wanted, CLAUDE_FORMAT);
        expect(hasJust(added.text, wanted, CLAUDE_FORMAT)).toBe(true);
        expect(undo(added.text, added.steps)).toBe(text);
        // What was empty before is taken for ours, and goes too.
        const hooks = Object.entries(value.hooks ?? {}).filter(([, groups]) => groups.length > 0);
        const { hooks: _, ...others } = value;
        const left = { ...others, ...(hooks.length > 0 && { hooks: Object.fromEntries(hooks) }) };
        const removed = JSON.parse(removeHooks(added.text, CLAUDE_FORMAT)) as Settings;
        for (const event of Object.keys(removed.hooks ?? {})) {
          if (removed.hooks[event]!.length === 0) delete removed.hooks[event];
        }
        if (Object.keys(removed.hooks ?? { a: 1 }).length === 0)
          delete (removed as Partial<Settings>).hooks;
        expect(removed).toEqual(JSON.parse(JSON.stringify(left)));
      }),
      { numRuns: 150 },
    );
  });

  it('renews older entries of its own, by their command', () => {
    const old = {
      hooks: {
        Stop: [
          { hooks: [{ type: 'command', command: '/old/agent-strace-hook --agent claude Stop' }] },
          { hooks: [{ type: 'command', command: 'other' }] },
        ],
        Gone: [
          {
            hooks: [
              { type: 'command', command: '"/x/agent-strace-hook" --agent claude Gone' },
              { type: 'command', command: '"/x/agent-strace-hook" --agent claude Gone' },
            ],
          },
        ],
      },
    };
    write(JSON.stringify(old));
    run();
    const { hooks } = JSON.parse(read()) as Settings;
    expect(hooks).not.toHaveProperty('Gone');
    expect(hooks.Stop).toHaveLength(2);
    expect(read()).not.toContain('/old/');
    expect(plan().changed).toBe(false);
  });

  it.each([
    ['{"a": 1,,}', /not valid JSON: .+ at line 1, column 9/],
    ['{\n  "a": [1\n', /not valid JSON: .+ at line \d, column \d/],
    ['[]', /not a JSON object/],
    ['{"hooks": []}', /"hooks" that are not an object/],
    ['{"hooks": {"Stop": {}}}', /"hooks.Stop" that is not a list/],
    ['{"hooks": {}, "hooks": {}}', /"hooks" more than once/],
  ])('leaves %s alone and says why', (text, message) => {
    write(text);
    const made = plan();
    expect(made.changed).toBe(false);
    expect(made.problems[0]!.severity).toBe('error');
    expect(made.problems[0]!.message).toMatch(message);
    expect(() => applySetup(made, install())).toThrow(message);
    expect(read()).toBe(text);
    expect(plan({ remove: true }).problems[0]!.message).toMatch(message);
  });

  it('writes only events that the installed version knows', () => {
    const events = (agentVersion?: string) => plan({ agentVersion }).events;
    expect(events('2.1.78')).toContain('StopFailure');
    expect(events('2.1.78')).not.toContain('CwdChanged');
    expect(events('2.1.78')).not.toContain('PostToolBatch');
    expect(events('2.1.101')).toContain('PostToolBatch');
    const safe = events(undefined);
    expect(safe).toEqual(events('1.0.85'));
    expect(safe).toContain('SessionEnd');
    expect(safe).not.toContain('SubagentStart');
    expect(plan({ agentVersion: undefined }).problems[0]!.message).toContain('version');
    expect(versionIn('2.1.330 (Claude Code)')).toBe('2.1.330');
    expect(isAtLeast('2.0.9', '2.0.10')).toBe(false);
  });

  it('warns of what keeps hooks from running, or doubles them', () => {
    write(
      '{"disableAllHooks": true, "hooks": {"Stop": [{"hooks": [{"command": "agent-strace hook stop"}]}]}}',
    );
    const messages = plan().problems.map(({ message }) => message);
    expect(messages.some((message) => message.includes('disableAllHooks'))).toBe(true);
    expect(messages.some((message) => message.includes('Python'))).toBe(true);
  });

  it('keeps the mode of the file', () => {
    write('{}');
    fs.chmodSync(settingsPath(), 0o640);
    run();
    expect(fs.statSync(settingsPath()).mode & 0o777).toBe(0o640);
  });

  it("writes through a user's link, but never out of a repo", () => {
    fs.mkdirSync(join(root, 'claude'));
    fs.mkdirSync(join(root, 'dotfiles'));
    const target = join(root, 'dotfiles', 'claude.json');
    fs.writeFileSync(target, '{}');
    fs.symlinkSync(target, join(root, 'claude', 'settings.json'));
    const made = run({ scope: 'user' });
    expect(made.target).toBe(target);
    expect(fs.lstatSync(join(root, 'claude', 'settings.json')).isSymbolicLink()).toBe(true);
    expect(fs.readFileSync(target, 'utf8')).toContain('PreToolUse');

    fs.symlinkSync(join(root, 'dotfiles'), join(project, '.claude'));
    fs.writeFileSync(join(root, 'dotfiles', 'settings.json'), '{}');
    for (const scope of ['project', 'local'] as const) {
      const refused = plan({ scope });
      expect(refused.problems[0]!.message).toContain('leads out of the project');
      expect(refused.changed).toBe(false);
    }
  });

  it('leaves a file alone that changed after the plan was made', () => {
    write('{}');
    const made = plan();
    write('{"a": 1}');
    expect(() => applySetup(made, install())).toThrow('changed meanwhile');
    expect(read()).toBe('{"a": 1}');
  });
});
