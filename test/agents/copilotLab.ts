import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { installTool } from '../../scripts/tools.mjs';
import type { JsonObject } from '../../src/model/event.ts';
import { type AgentRun, AgentRuns, labEnvironment, type StartedAgent } from './agentRuns.ts';
import { type LabPlace, labPlace, removePlace, type SharedPlace } from './labPlace.ts';
import { MockAnthropic, type Scenario } from './mockAnthropic.ts';

/** Options of {@link CopilotLab.create}. */
export interface CopilotLabOptions {
  /** The model's script. */
  scenario: (folders: { projectDir: string; home: string }) => Scenario;
  /** Files of the project, by relative path. */
  files?: Record<string, string>;
  /** Instead of a home and a project of its own. */
  place?: SharedPlace;
}

/** What Copilot wrote of a session. */
export interface CopilotSession {
  id: string;
  /** Of `events.jsonl`. */
  path: string;
  rows: JsonObject[];
}

/**
 * The real Copilot CLI with a home, a project and a scripted model of its own (it speaks the Messages API, too).
 * It sees nothing of the user's environment, and any address but loopback is a dead proxy.
 */
export class CopilotLab {
  readonly home: string;
  readonly projectDir: string;
  readonly mock: MockAnthropic;
  private readonly place: LabPlace;
  private readonly copilot: string;
  private readonly runs: AgentRuns;

  private constructor(place: LabPlace, mock: MockAnthropic, copilot: string) {
    this.place = place;
    this.home = place.home;
    this.projectDir = place.projectDir;
    this.mock = mock;
    this.copilot = copilot;
    this.runs = new AgentRuns(this.home);
  }

  /** Installs the agent if needed and makes its folders. */
  static async create({ scenario, files = {}, place }: CopilotLabOptions): Promise<CopilotLab> {
    const folder = await installTool('copilot');
    const mock = await MockAnthropic.start({});
    const lab = new CopilotLab(
      labPlace('copilot', place),
      mock,
      join(folder, 'node_modules', '.bin', 'copilot'),
    );
    mkdirSync(join(lab.home, '.copilot'));
    // A folder that nobody trusts has no hooks.
    const trusted = { trusted_folders: [lab.projectDir] };
    writeFileSync(join(lab.home, '.copilot', 'config.json'), JSON.stringify(trusted));
    mock.scenario = scenario(lab);
    for (const [path, content] of Object.entries(files)) lab.write(path, content);
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

  /**
   * Runs the agent to its end.
   *
   * @param args instead of `--allow-all`
   */
  async run(
    prompt: string,
    options: { env?: Record<string, string>; args?: string[] } = {},
  ): Promise<AgentRun> {
    return await this.start(prompt, options).done;
  }

  /** Starts the agent and returns at once; as {@link run}. */
  start(
    prompt: string,
    { env, args = ['--allow-all'] }: { env?: Record<string, string>; args?: string[] } = {},
  ): StartedAgent {
    const output = ['--output-format', 'json'];
    return this.runs.start(this.copilot, [...args, ...output, '-p', prompt], {
      cwd: this.projectDir,
      env: { ...this.environment(), ...env },
      timeout: 120_000,
    });
  }

  /** The sessions that the agent has written down, the newest first. */
  sessions(): CopilotSession[] {
    const root = join(this.home, '.copilot', 'session-state');
    return globSync('*/events.jsonl', { cwd: root })
      .map((name) => {
        const path = join(root, name);
        const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
        const rows = lines.map((line) => JSON.parse(line) as JsonObject);
        return { id: basename(dirname(path)), path, rows };
      })
      .sort((a, b) => String(b.rows[0]?.timestamp).localeCompare(String(a.rows[0]?.timestamp)));
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
      COPILOT_OFFLINE: 'true',
      COPILOT_AUTO_UPDATE: 'false',
      COPILOT_PROVIDER_TYPE: 'anthropic',
      COPILOT_PROVIDER_BASE_URL: this.mock.url,
      COPILOT_PROVIDER_API_KEY: 'sk-ant-test-000',
      COPILOT_MODEL: 'claude-sonnet-4.5',
    };
  }
}
