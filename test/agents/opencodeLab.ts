import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installTool, tools } from '../../scripts/tools.mjs';
import type { TraceEvent } from '../../src/model/event.ts';
import { type AgentRun, AgentRuns, labEnvironment, type StartedAgent } from './agentRuns.ts';
import { type LabPlace, labPlace, removePlace, type SharedPlace } from './labPlace.ts';
import type { Scenario } from './mockAnthropic.ts';
import { MockCompletions } from './mockCompletions.ts';

/**
 * The real opencode with a home, a project and a scripted model of its own. It sees nothing of the user's
 * environment, and any address but loopback is a dead proxy.
 */
export class OpencodeLab {
  readonly home: string;
  readonly projectDir: string;
  readonly mock: MockCompletions;
  private readonly place: LabPlace;
  private readonly opencode: string;
  private readonly runs: AgentRuns;

  private constructor(place: LabPlace, mock: MockCompletions, opencode: string) {
    this.place = place;
    this.home = place.home;
    this.projectDir = place.projectDir;
    this.mock = mock;
    this.opencode = opencode;
    this.runs = new AgentRuns(this.home);
  }

  /**
   * Installs the agent if needed and makes its folders.
   *
   * @param files of the project, by relative path
   * @param model the one that opencode asks for
   * @param place instead of a home and a project of its own
   */
  static async create(
    scenario: (folders: { projectDir: string }) => Scenario,
    files: Record<string, string> = {},
    model = 'scripted',
    place?: SharedPlace,
  ): Promise<OpencodeLab> {
    const folder = await installTool('opencode');
    const mock = await MockCompletions.start({});
    const lab = new OpencodeLab(
      labPlace('opencode', place),
      mock,
      join(folder, 'node_modules', '.bin', 'opencode'),
    );
    // Traces lie in the project where it has a folder for them.
    mkdirSync(join(lab.projectDir, '.agent-traces'), { recursive: true, mode: 0o700 });
    mock.scenario = scenario(lab);
    for (const [path, content] of Object.entries(files)) lab.write(path, content);
    lab.settle(join(lab.home, '.config/opencode'));
    lab.settle(join(lab.projectDir, '.opencode'));
    const cost = { input: 3, output: 15, cache_read: 0.3 };
    const limit = { context: 200_000, output: 32_000 };
    lab.write(
      'opencode.json',
      JSON.stringify({
        provider: {
          mock: {
            npm: '@ai-sdk/openai-compatible',
            options: { baseURL: mock.url, apiKey: 'none' },
            models: { [model]: { name: model, cost, limit } },
          },
        },
        model: `mock/${model}`,
        small_model: `mock/${model}`,
        permission: { bash: { 'forbidden *': 'deny' }, external_directory: 'ask' },
      }),
    );
    return lab;
  }

  /** As after a first start with a network: opencode looks for its plugin library otherwise, at each start, for seconds. */
  private settle(folder: string): void {
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    const needed = { dependencies: { '@opencode-ai/plugin': tools.opencode.version } };
    const lock = { lockfileVersion: 3, requires: true, packages: { '': needed } };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(needed));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  }

  /** Writes a file of the project. */
  write(path: string, content: string): void {
    const file = join(this.projectDir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  read(path: string): string {
    return readFileSync(join(this.projectDir, path), 'utf8');
  }

  /** Runs the agent to its end. */
  async run(prompt: string, args: string[] = []): Promise<AgentRun> {
    return await this.start(prompt, args).done;
  }

  /** Starts the agent and returns at once. */
  start(prompt: string, args: string[] = []): StartedAgent {
    return this.runs.start(this.opencode, ['run', '--format', 'json', ...args, prompt], {
      cwd: this.projectDir,
      env: {
        ...labEnvironment(this.home),
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
        npm_config_fetch_retries: '0',
      },
      timeout: 100_000,
    });
  }

  /** Sessions that were recorded in the project. */
  traced(): string[] {
    try {
      return readdirSync(join(this.projectDir, '.agent-traces')).filter(
        (name) => !name.startsWith('.'),
      );
    } catch {
      return [];
    }
  }

  trace(session: string): TraceEvent[] {
    return this.read(`.agent-traces/${session}/events.ndjson`)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as TraceEvent);
  }

  /** Kills what still runs and removes all folders. */
  async close(): Promise<void> {
    this.runs.kill();
    await this.mock.close();
    removePlace(this.place);
  }
}
