/**
 * What real agents do with the hook before a tool, as set-up leaves it, where the recorder cannot be run: open, the tool runs;
 * closed, it does not, and the session goes on.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { AgentId } from '../../src/agents/agent.ts';
import { CLOSED_REASON } from '../../src/agents/hookEntry.ts';
import { launcherPath } from '../../src/agents/launcher.ts';
import { applySetup, planSetup } from '../../src/agents/registry.ts';
import type { FailMode } from '../../src/agents/setup/plan.ts';
import { ClaudeLab } from './claudeLab.ts';
import { CodexLab } from './codexLab.ts';
import { CopilotLab } from './copilotLab.ts';
import { GeminiLab } from './geminiLab.ts';
import { text, tool } from './mockAnthropic.ts';
import { call, say } from './mockGemini.ts';
import { calls, says } from './mockOpenai.ts';

interface Lab {
  home: string;
  projectDir: string;
  close(): Promise<void>;
  /** Lets the agent run a command, and say something. @returns what its model was told, and what it printed */
  touch(): Promise<string>;
}

let lab: Lab | undefined;
afterEach(async () => await lab?.close());

const COMMAND = 'echo done > touched';

const LABS: Partial<Record<AgentId, () => Promise<Lab>>> = {
  async claude() {
    const made = await ClaudeLab.create({
      scenario: { main: [[tool('Bash', { command: COMMAND })], [text('The end.')]] },
    });
    return Object.assign(made, {
      async touch() {
        const { code, stdout, stderr, transcripts } = await made.run({ prompt: 'go' });
        expect(code, stderr).toBe(0);
        return stdout + JSON.stringify(transcripts.map(({ rows }) => rows));
      },
    });
  },
  async codex() {
    const made = await CodexLab.create({
      main: [[calls('exec_command', { cmd: COMMAND })], [says('The end.')]],
    });
    return Object.assign(made, {
      async touch() {
        const { code, stdout, stderr } = await made.run('SCENARIO:main go');
        expect(code, stderr).toBe(0);
        return stdout + made.rollouts().map((path) => readFileSync(path, 'utf8'));
      },
    });
  },
  async gemini() {
    const made = await GeminiLab.create({
      scenario: () => ({
        main: [
          [call('run_shell_command', { command: COMMAND, description: 't' })],
          [say('The end.')],
        ],
      }),
    });
    return Object.assign(made, {
      async touch() {
        const { code, stdout, stderr } = await made.run('SCENARIO:main go');
        expect(code, stderr).toBe(0);
        return stdout + stderr;
      },
    });
  },
  async copilot() {
    const made = await CopilotLab.create({
      scenario: () => ({
        main: [[tool('bash', { command: COMMAND, description: 't' })], [text('The end.')]],
      }),
    });
    return Object.assign(made, {
      async touch() {
        const { code, stdout, stderr } = await made.run('go');
        expect(code, stderr).toBe(0);
        return stdout;
      },
    });
  },
};

/** @returns the settings file */
function setUp(agent: AgentId, { home, projectDir }: Lab, fail: FailMode): string {
  const env = { HOME: home, AGENT_STRACE_HOME: join(home, '.agent-strace') };
  const bundle = join(home, 'hook.js');
  // In the recorder's place: it says that it was called.
  writeFileSync(
    bundle,
    "require('fs').appendFileSync(process.env.HOME + '/fired', process.argv.slice(2).join(' ') + '\\n');",
  );
  const agentVersion = agent === 'claude' ? '2.1.330' : undefined;
  const plan = planSetup(agent, { scope: 'user', projectDir, agentVersion, fail, env });
  applySetup(plan, { hookBundle: bundle, version: '1.0.0', nodePath: process.execPath, env });
  return plan.file;
}

const launcherOf = ({ home }: Lab): string =>
  launcherPath({ AGENT_STRACE_HOME: join(home, '.agent-strace') });

test.each(Object.keys(LABS) as AgentId[])(
  '%s runs the tool without a recorder where it is open, and not where it is closed',
  async (agent) => {
    lab = await LABS[agent]!();
    const touched = join(lab.projectDir, 'touched');
    setUp(agent, lab, 'closed');
    // The recorder is there: closed is no hindrance.
    expect(await lab.touch()).toContain('The end.');
    expect(existsSync(touched)).toBe(true);
    expect(readFileSync(join(lab.home, 'fired'), 'utf8')).toMatch(/Tool\w* --timeout 300 --closed/);

    rmSync(touched);
    rmSync(launcherOf(lab));
    const told = await lab.touch();
    expect(existsSync(touched)).toBe(false);
    expect(told).toContain('The end.');
    // Copilot CLI keeps what a hook says on standard error to itself.
    expect(told).toContain(
      agent === 'copilot' ? 'hook exited with code 2' : CLOSED_REASON.slice(0, 60),
    );

    setUp(agent, lab, 'open');
    rmSync(launcherOf(lab));
    expect(await lab.touch()).toContain('The end.');
    expect(existsSync(touched)).toBe(true);
  },
);

test('Claude Code denies where the hook is late, and was told so', async () => {
  lab = await LABS.claude!();
  for (const fail of ['closed', 'open'] as const) {
    const file = setUp('claude', lab, fail);
    const settings = readFileSync(file, 'utf8');
    expect(settings.includes('"onFailure": "block"')).toBe(fail === 'closed');
    writeFileSync(file, settings.replace(/"timeout": 300\b/, '"timeout": 2'));
    mkdirSync(join(lab.home, '.agent-strace', 'bin'), { recursive: true });
    writeFileSync(launcherOf(lab), '#!/bin/sh\ncase "$*" in *PreToolUse*) exec sleep 20 ;; esac\n');
    chmodSync(launcherOf(lab), 0o700);
    expect(await lab.touch()).toContain('The end.');
    expect(existsSync(join(lab.projectDir, 'touched'))).toBe(fail === 'open');
    writeFileSync(file, settings);
  }
});
