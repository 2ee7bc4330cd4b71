/** A project on disk with files that the guard protects, and what the guard says of calls made in it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AgentId, HookTool } from '../src/agents/agent.ts';
import { guardedCall } from '../src/guard/decision/callOf.ts';
import { decide } from '../src/guard/decision/decide.ts';
import type { Facts } from '../src/guard/decision/facts.ts';
import { shellWorld } from '../src/guard/decision/shellWorld.ts';
import type { Verdict } from '../src/guard/decision/verdict.ts';
import { fixedSet, safeSet } from '../src/guard/rules/builtin.ts';
import type { Rule } from '../src/guard/rules/rule.ts';
import { readCommand } from '../src/guard/shell/readCommand.ts';

const NO_FACTS: Facts = {
  metric: () => undefined,
  repeats: () => 1,
  sequence: () => 0,
  unpriced: [],
};

const FILES: Record<string, string> = {
  '.watch-rules.json': '[{"condition": "cost_usd > 5", "action": "stop"}]',
  '.claude/settings.json': '{}',
  '.agent-traces/s1/events.ndjson': '',
  '.agent-traces/.gitignore': '*\n',
  '.gitignore': 'node_modules/\ndist/\n',
  'package.json': '{}',
  'src/app.ts': '',
  'src/server/main.py': '',
  'tests/app.test.ts': '',
  'data/prices.json': '{}',
  'server.log': '',
  'dist/app.js': '',
  'docs/guide.md': '',
  'packages/web/package.json': '{}',
};

export class GuardScratch {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'guarded-')));
  readonly home = join(this.folder, 'home');
  readonly project = join(this.home, 'shop');
  /** `/tmp` of commands: all of this lies in the real one. */
  readonly temporary = join(this.folder, 'tmp');
  readonly env: Record<string, string> = {
    HOME: this.home,
    AGENT_STRACE_HOME: join(this.home, '.agent-strace'),
    PATH: '/usr/local/bin:/usr/bin:/bin',
    USER: 'dev',
    LANG: 'C.UTF-8',
  };

  /** @param commit whether its rule files are in git */
  constructor({ commit = true } = {}) {
    for (const [name, text] of Object.entries(FILES)) this.write(name, text);
    this.write('../.agent-strace/rules.yaml', '');
    this.git('init', '-q', '-b', 'main');
    if (!commit) return;
    this.git('add', '.');
    this.git('commit', '-q', '-m', 'first');
  }

  write(name: string, text: string): void {
    const path = join(this.project, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  git(...args: string[]): void {
    const who = ['-c', 'user.name=dev', '-c', 'user.email=dev@shop.example'];
    execFileSync('git', [...who, ...args], {
      cwd: this.project,
      env: { ...process.env, HOME: this.home, GIT_CONFIG_NOSYSTEM: '1' },
    });
  }

  fixed = (): Rule[] => fixedSet(this.project, this.env);
  /** What a person has who took the safe set. */
  safe = (): Rule[] => [...safeSet(this.project), ...this.fixed()];

  verdict(rules: Rule[], tool: HookTool, agent: AgentId = 'claude'): Verdict {
    const call = guardedCall(tool, agent, {
      ...shellWorld({ cwd: tool.cwd || this.project, env: this.env }),
      readCommand,
    });
    return decide({
      rules: { rules, problems: [], stale: [] },
      call,
      facts: NO_FACTS,
      nowMs: 0,
      where: 'hook',
      home: this.home,
      project: this.project,
      temporary: [this.temporary],
    });
  }

  /** A text with `/tmp` as this has it. */
  here(text: string): string {
    return text.replace(/(?<![\w.-])(?:\/private)?\/tmp\b(?!\/guarded-)/g, () => this.temporary);
  }

  command(rules: Rule[], command: string): Verdict {
    const input = { command: this.here(command) };
    return this.verdict(rules, { name: 'Bash', callId: 'c', cwd: this.project, input });
  }

  /** Why, as a line: the rule and what was found. */
  static told({ fired }: Verdict): string {
    const [first] = fired;
    return first === undefined ? '' : `${first.rule.name}: ${first.detail}`;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
