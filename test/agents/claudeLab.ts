import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { installTool } from '../../scripts/tools.mjs';
import { type AgentRun, AgentRuns, labEnvironment, type StartedAgent } from './agentRuns.ts';
import { type LabPlace, labPlace, removePlace, type SharedPlace } from './labPlace.ts';
import { MockAnthropic, type Scenario } from './mockAnthropic.ts';
import { Terminal } from './terminal.ts';

const API_KEY = 'sk-ant-test-000';

/** Options of {@link ClaudeLab.create}. */
export interface LabOptions {
  /** The model's script; a function where tool inputs need absolute paths. */
  scenario: Scenario | ((folders: { projectDir: string; home: string }) => Scenario);
  /** Files of the project, by relative path. */
  files?: Record<string, string>;
  /** Name of the project's folder. */
  projectName?: string;
  /** The project's `.claude/settings.json`, for hooks. */
  settings?: object;
  /** Instead of a home and a project of its own. */
  place?: SharedPlace;
}

/** Options of {@link ClaudeLab.run}. */
export interface RunOptions {
  prompt: string;
  /** Further arguments; `--permission-mode bypassPermissions` unless they name a mode. */
  args?: string[];
  /** Added to the otherwise empty environment. */
  env?: Record<string, string>;
  /** The project folder by default. */
  cwd?: string;
  /** Kills the agent and whatever it started. */
  signal?: AbortSignal;
  /** Called as soon as the agent has a process id. */
  onStart?: (run: StartedRun) => void;
  /** ms until the agent is killed; 120,000 by default. */
  timeout?: number;
}

/** An agent at work. */
export interface StartedRun extends StartedAgent {
  done: Promise<RunResult>;
}

/** How a run ended. */
export interface RunResult extends AgentRun {
  /** ms */
  duration: number;
  /** All transcripts under the lab's home, the newest session's main one first. */
  transcripts: Transcript[];
}

/** A transcript that the agent wrote. */
export interface Transcript {
  path: string;
  /** The file's name without its ending. */
  name: string;
  /** Whether it is a subagent's. */
  subagent: boolean;
  rows: TranscriptRow[];
}

/** One line of a transcript; what else there is varies by type and version. */
export interface TranscriptRow {
  type: string;
  sessionId?: string;
  requestId?: string;
  message?: {
    id?: string;
    role?: string;
    model?: string;
    usage?: Record<string, unknown>;
    content?: string | { type: string; id?: string; name?: string; input?: unknown }[];
  };
  [key: string]: unknown;
}

/**
 * The real Claude Code with a home, a project and a scripted model of its own. It sees nothing of the
 * user's environment, and any address but loopback is a dead proxy.
 */
export class ClaudeLab {
  readonly home: string;
  readonly projectDir: string;
  readonly mock: MockAnthropic;
  private readonly place: LabPlace;
  /** Path of the agent. */
  readonly claude: string;
  private readonly runs: AgentRuns;

  private constructor(place: LabPlace, mock: MockAnthropic, claude: string) {
    this.place = place;
    this.home = place.home;
    this.projectDir = place.projectDir;
    this.mock = mock;
    this.claude = claude;
    this.runs = new AgentRuns(this.home);
  }

  /** Installs the agent if needed and makes its folders. */
  static async create({
    scenario,
    files = {},
    projectName = 'project',
    settings,
    place,
  }: LabOptions): Promise<ClaudeLab> {
    const folder = await installTool('claude');
    const mock = await MockAnthropic.start({});
    const lab = new ClaudeLab(
      labPlace('claude', place, projectName),
      mock,
      join(folder, 'node_modules', '.bin', 'claude'),
    );
    mock.scenario = typeof scenario === 'function' ? scenario(lab) : scenario;
    for (const [path, content] of Object.entries(files)) lab.write(path, content);
    if (settings) lab.write('.claude/settings.json', JSON.stringify(settings));
    return lab;
  }

  /** Writes a file of the project. */
  write(path: string, content: string): void {
    const file = join(this.projectDir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /** Reads a file of the project. */
  read(path: string): string {
    return readFileSync(join(this.projectDir, path), 'utf8');
  }

  /** Runs the agent to its end. */
  async run(options: RunOptions): Promise<RunResult> {
    return await this.start(options).done;
  }

  /** Starts the agent and returns at once. */
  start(options: RunOptions): StartedRun {
    const { prompt, args = [], cwd = this.projectDir, signal, timeout = 120_000 } = options;
    const mode = args.includes('--permission-mode')
      ? []
      : ['--permission-mode', 'bypassPermissions'];
    const started = Date.now();
    const output = ['--output-format', 'json'];
    const { pid, child, done } = this.runs.start(
      this.claude,
      ['-p', prompt, ...output, ...mode, ...args],
      { cwd, env: this.environment(options.env), timeout, signal },
    );
    const run = {
      pid,
      child,
      done: done.then((ended) => ({
        ...ended,
        duration: Date.now() - started,
        transcripts: this.transcripts(),
      })),
    };
    if (child.pid !== undefined) options.onStart?.(run);
    return run;
  }

  /** A shell on a terminal, in which the agent can be started: its first questions are answered. */
  openTerminal(): Terminal {
    const answers = {
      hasCompletedOnboarding: true,
      theme: 'dark',
      bypassPermissionsModeAccepted: true,
      customApiKeyResponses: { approved: [API_KEY.slice(-20)], rejected: [] },
      projects: { [this.projectDir]: { hasTrustDialogAccepted: true } },
    };
    writeFileSync(join(this.home, '.claude.json'), JSON.stringify(answers));
    const terminal = new Terminal({
      cwd: this.projectDir,
      env: { ...this.environment(), TERM: 'xterm-256color' },
    });
    this.runs.add(terminal.child);
    return terminal;
  }

  /** What the agent has written so far, main transcripts before subagents', newest first. */
  transcripts(): Transcript[] {
    const projects = join(this.home, '.claude', 'projects');
    if (!existsSync(projects)) return [];
    return globSync('**/*.jsonl', { cwd: projects })
      .map((path) => readTranscript(join(projects, path)))
      .sort((a, b) => Number(a.subagent) - Number(b.subagent) || startOf(b) - startOf(a));
  }

  /** Kills what still runs and removes all folders. */
  async close(): Promise<void> {
    this.runs.kill();
    await this.mock.close();
    removePlace(this.place);
  }

  private environment(extra: Record<string, string> = {}): Record<string, string> {
    return {
      ...labEnvironment(this.home),
      // Lets it run as root with permissions bypassed, as containers do.
      IS_SANDBOX: '1',
      ANTHROPIC_BASE_URL: this.mock.url,
      ANTHROPIC_API_KEY: API_KEY,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_ERROR_REPORTING: '1',
      ...extra,
    };
  }
}

/** The tool calls of a transcript in order, by name and input. */
export function toolCalls({ rows }: Transcript): { id: string; name: string; input: unknown }[] {
  return rows.flatMap(({ type, message }) => {
    if (type !== 'assistant' || !Array.isArray(message?.content)) return [];
    return message.content
      .filter((block) => block.type === 'tool_use')
      .map(({ id = '', name = '', input }) => ({ id, name, input }));
  });
}

function readTranscript(path: string): Transcript {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return {
    path,
    name: basename(path, '.jsonl'),
    subagent: path.includes('/subagents/') || basename(path).startsWith('agent-'),
    rows: lines.map((line) => JSON.parse(line) as TranscriptRow),
  };
}

function startOf({ rows }: Transcript): number {
  const first = rows.find((row) => typeof row.timestamp === 'string');
  return Date.parse(String(first?.timestamp ?? 0));
}
