import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installTool } from '../../scripts/tools.mjs';
import { hookCommand, installLauncher } from '../../src/agents/launcher.ts';
import type { TraceEvent } from '../../src/model/event.ts';
import { type AgentRun, AgentRuns, labEnvironment, type StartedAgent } from './agentRuns.ts';
import { type LabPlace, labPlace, removePlace, type SharedPlace } from './labPlace.ts';
import { type GeminiScenario, MockGemini } from './mockGemini.ts';

/** Events that set-up asks for. */
const EVENTS = [
  'SessionStart',
  'SessionEnd',
  'BeforeAgent',
  'AfterAgent',
  'BeforeTool',
  'AfterTool',
  'Notification',
];

export interface GeminiLabOptions {
  scenario: (folders: { projectDir: string }) => GeminiScenario;
  files?: Record<string, string>;
  /** Built hook that records; without it nothing does. */
  hookBundle?: string;
  /** Further hooks by event: shell commands. */
  hooks?: Record<string, string>;
  /** Instead of a home and a project of its own; hooks are what stands in the project then. */
  place?: SharedPlace;
}

/**
 * The real Gemini CLI with a home, a project and a scripted model of its own. It sees nothing of the
 * user's environment, and any address but loopback is a dead proxy.
 */
export class GeminiLab {
  readonly home: string;
  readonly projectDir: string;
  readonly mock: MockGemini;
  private readonly place: LabPlace;
  private readonly gemini: string;
  private readonly runs: AgentRuns;

  private constructor(place: LabPlace, mock: MockGemini, gemini: string) {
    this.place = place;
    this.home = place.home;
    this.projectDir = place.projectDir;
    this.mock = mock;
    this.gemini = gemini;
    this.runs = new AgentRuns(this.home);
  }

  /** Installs the agent if needed and makes its folders. */
  static async create({
    scenario,
    files = {},
    hookBundle,
    hooks = {},
    place,
  }: GeminiLabOptions): Promise<GeminiLab> {
    const folder = await installTool('gemini');
    const mock = await MockGemini.start();
    const lab = new GeminiLab(
      labPlace('gemini', place),
      mock,
      join(folder, 'node_modules', '.bin', 'gemini'),
    );
    mkdirSync(join(lab.home, '.gemini'), { recursive: true });
    mock.scenario = scenario(lab);
    for (const [path, content] of Object.entries(files)) {
      writeFileSync(join(lab.projectDir, path), content);
    }
    if (hookBundle !== undefined) {
      mkdirSync(join(lab.projectDir, '.agent-traces'), { mode: 0o700 });
      installLauncher({
        hookBundle,
        version: '0.0.0',
        nodePath: process.execPath,
        env: lab.stateEnv,
      });
    }
    lab.writeSettings(place === undefined ? groupsOf(hooks) : {});
    return lab;
  }

  /** Where our own state is. */
  get stateEnv(): { AGENT_STRACE_HOME: string } {
    return { AGENT_STRACE_HOME: join(this.home, '.agent-strace') };
  }

  private writeSettings(hooks: object): void {
    const settings = {
      security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
      general: { disableAutoUpdate: true, enableAutoUpdate: false },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      hooksConfig: { enabled: true },
      hooks,
    };
    writeFileSync(join(this.home, '.gemini/settings.json'), JSON.stringify(settings));
  }

  /** Runs the agent to its end; 120 s at most. */
  async run(prompt: string, args: string[] = []): Promise<AgentRun> {
    return await this.start(prompt, args).done;
  }

  /** Starts the agent and returns at once. */
  start(prompt: string, args: string[] = []): StartedAgent {
    const model = ['-m', 'gemini-2.5-flash', '--approval-mode', 'yolo', '--skip-trust'];
    return this.runs.start(this.gemini, [...model, '-o', 'json', ...args, '-p', prompt], {
      cwd: this.projectDir,
      env: this.environment(),
      timeout: 120_000,
    });
  }

  /** Reads a file of the project. */
  read(path: string): string {
    return readFileSync(join(this.projectDir, path), 'utf8');
  }

  /** Sessions that were recorded. */
  sessions(): string[] {
    const folder = join(this.home, '.agent-strace/sessions');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -5));
  }

  /** The events of the one session that was recorded. */
  trace(session = this.sessions()[0] ?? ''): TraceEvent[] {
    return this.read(`.agent-traces/${session}/events.ndjson`)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as TraceEvent);
  }

  /** Paths of all chats, subagents' too. */
  chats(): string[] {
    const tmp = join(this.home, '.gemini/tmp');
    return globSync('*/chats/**/*.jsonl', { cwd: tmp }).map((path) => join(tmp, path));
  }

  /** Kills what still runs and removes all folders. */
  async close(): Promise<void> {
    this.runs.kill();
    await this.mock.close();
    removePlace(this.place);
  }

  private environment(): Record<string, string> {
    return {
      ...labEnvironment(this.home),
      GEMINI_API_KEY: 'test-gemini-000',
      GOOGLE_GEMINI_BASE_URL: this.mock.url,
      GEMINI_TELEMETRY_ENABLED: 'false',
    };
  }
}

/** Our hooks and others, as set-up writes them: they name $HOME, which is the lab's for the agent. */
function groupsOf(others: Record<string, string>): object {
  const groups = EVENTS.map((event) => {
    const commands = [hookCommand('gemini', event, {}), others[event] ?? ''];
    const hooks = commands
      .filter((command) => command !== '')
      .map((command) => ({ type: 'command', command, timeout: 10_000 }));
    return [event, [{ matcher: '*', hooks }]];
  });
  return Object.fromEntries(groups);
}
