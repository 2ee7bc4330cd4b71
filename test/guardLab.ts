import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuardHook } from '../src/agents/hookEntry.ts';
import { hookCommand, installLauncher } from '../src/agents/launcher.ts';
import { readSessionRecord } from '../src/agents/process.ts';
import type { JsonObject, TraceEvent } from '../src/model/event.ts';
import { removeFolder } from './removeFolder.ts';

export interface Fired {
  stdout: string;
  stderr: string;
  status: number | null;
}

export interface FireOptions {
  env?: Record<string, string>;
  /** How set-up installed the hook. */
  guard?: GuardHook;
}

/** A home and a project of their own, with the recorder as set-up installs it, fired as agents fire it: through a shell. */
export class GuardLab {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'guard-')));
  readonly home = join(this.root, 'home');
  readonly project = join(this.root, 'shop');
  readonly state = join(this.home, '.agent-strace');
  readonly lib = join(this.state, 'lib');
  readonly env = { AGENT_STRACE_HOME: this.state, HOME: this.home };

  /** @param bundle of `buildHook` */
  constructor(bundle: string) {
    mkdirSync(this.home);
    mkdirSync(join(this.project, '.git'), { recursive: true });
    installLauncher({
      hookBundle: bundle,
      version: '1',
      nodePath: process.execPath,
      env: this.env,
    });
  }

  /** The user's rules, for all projects. */
  rules(...rules: object[]): void {
    writeFileSync(join(this.state, 'rules.json'), JSON.stringify({ rules }), { mode: 0o600 });
  }

  /** The repository's. */
  repoRules(...rules: object[]): void {
    writeFileSync(join(this.project, '.watch-rules.json'), JSON.stringify({ rules }));
  }

  choose(guard: object): void {
    const path = join(this.state, 'config.json');
    writeFileSync(path, JSON.stringify({ guard }), { mode: 0o600 });
  }

  #call(agent: string, event: string, { env = {}, guard }: FireOptions) {
    return {
      args: ['-c', hookCommand(agent, event, this.env, guard)],
      env: { PATH: '/usr/bin:/bin', CLAUDE_PROJECT_DIR: this.project, ...this.env, ...env },
    };
  }

  fire(agent: string, event: string, payload: object | string, options: FireOptions = {}): Fired {
    const { args, env } = this.#call(agent, event, options);
    const input = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const { stdout, stderr, status } = spawnSync('/bin/sh', args, { env, input, encoding: 'utf8' });
    return { stdout, stderr, status };
  }

  /** The same while other things go on. */
  start(
    agent: string,
    event: string,
    payload: object,
    options: FireOptions = {},
  ): { child: ChildProcess; ended: Promise<Fired> } {
    const { args, env } = this.#call(agent, event, options);
    const child = spawn('/bin/sh', args, { env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.stdin.end(JSON.stringify(payload));
    const ended = new Promise<Fired>((done) => {
      child.on('close', (status) => done({ stdout, stderr, status }));
    });
    return { child, ended };
  }

  /** A payload of Claude Code's form, of this project. */
  payload(event: string, more: JsonObject = {}): JsonObject {
    return { session_id: 's-1', hook_event_name: event, cwd: this.project, ...more };
  }

  trace(session = 's-1'): TraceEvent[] {
    const folder = readSessionRecord(session, this.env)?.trace_dir;
    if (folder === undefined) return [];
    return lines(join(folder, session, 'events.ndjson'));
  }

  /** What the guard told in the trace. */
  told(session?: string): JsonObject[] {
    return this.trace(session)
      .filter(({ data }) => data.event_subtype === 'guard')
      .map(({ data }) => data);
  }

  get log(): string {
    const path = join(this.state, 'log/hook.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  close(): void {
    removeFolder(this.root);
  }
}

const lines = (path: string): TraceEvent[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as TraceEvent)
    : [];
