import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installTool } from '../../scripts/tools.mjs';
import { type AgentRun, AgentRuns, labEnvironment, type StartedAgent } from './agentRuns.ts';
import { type LabPlace, labPlace, removePlace, type SharedPlace } from './labPlace.ts';
import { MockOpenai, type OpenaiScenario } from './mockOpenai.ts';

/** A model that the price list knows. */
export const LAB_MODEL = 'gpt-5.5';

/**
 * The real Codex with a home, a project and a scripted model of its own. It sees nothing of the user's
 * environment, and any address but loopback is a dead proxy.
 */
export class CodexLab {
  readonly home: string;
  readonly codexHome: string;
  readonly projectDir: string;
  readonly mock: MockOpenai;
  /** Path of the agent. */
  readonly codex: string;
  readonly #place: LabPlace;
  readonly #runs: AgentRuns;

  private constructor(place: LabPlace, mock: MockOpenai, codex: string) {
    this.#place = place;
    this.home = place.home;
    this.codexHome = join(this.home, '.codex');
    this.projectDir = place.projectDir;
    this.mock = mock;
    this.codex = codex;
    this.#runs = new AgentRuns(this.home);
  }

  /**
   * Installs the agent if needed and makes its folders.
   *
   * @param files of the project, by relative path
   * @param place instead of a home and a project of its own
   */
  static async create(
    scenario: OpenaiScenario,
    files: Record<string, string> = {},
    place?: SharedPlace,
  ): Promise<CodexLab> {
    const folder = await installTool('codex');
    const mock = await MockOpenai.start(scenario);
    const lab = new CodexLab(
      labPlace('codex', place),
      mock,
      join(folder, 'node_modules', '.bin', 'codex'),
    );
    mkdirSync(lab.codexHome, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      writeFileSync(join(lab.projectDir, path), content);
    }
    writeFileSync(join(lab.codexHome, 'config.toml'), lab.#config());
    return lab;
  }

  #config(): string {
    return [
      `model = "${LAB_MODEL}"`,
      'model_provider = "mock"',
      'approval_policy = "never"',
      'sandbox_mode = "danger-full-access"',
      'check_for_update_on_startup = false',
      '[features]',
      'plugins = false',
      '[analytics]',
      'enabled = false',
      '[model_providers.mock]',
      'name = "mock"',
      `base_url = "${this.mock.url}/v1"`,
      'wire_api = "responses"',
      'env_key = "MOCK_API_KEY"',
      'request_max_retries = 0',
      'stream_max_retries = 0',
      'supports_websockets = false',
      `[projects."${this.projectDir}"]`,
      'trust_level = "trusted"',
      '',
    ].join('\n');
  }

  /** Codex's hooks: one command an event. */
  hook(commands: Record<string, string | string[]>): void {
    const entries = Object.entries(commands).map(([event, command]) => [
      event,
      [
        {
          hooks: [command].flat().map((one) => ({
            type: 'command',
            command: one,
            timeout: /^(SessionEnd|Interrupt)$/.test(event) ? 3 : 10,
          })),
        },
      ],
    ]);
    const hooks = { hooks: Object.fromEntries(entries) };
    writeFileSync(join(this.codexHome, 'hooks.json'), JSON.stringify(hooks));
  }

  /** Starts the agent and returns at once. @param args behind `codex exec` */
  start(args: string[]): StartedAgent {
    const fixed = ['--json', '--skip-git-repo-check', '--dangerously-bypass-hook-trust'];
    return this.#runs.start(this.codex, ['exec', ...fixed, ...args], {
      cwd: this.projectDir,
      env: {
        ...labEnvironment(this.home),
        CODEX_HOME: this.codexHome,
        MOCK_API_KEY: 'sk-test-000',
      },
      timeout: 100_000,
    });
  }

  /** Runs the agent to its end. */
  async run(...args: string[]): Promise<AgentRun> {
    return await this.start(args).done;
  }

  /** Paths of all rollouts, the oldest first. */
  rollouts(): string[] {
    const sessions = join(this.codexHome, 'sessions');
    if (!existsSync(sessions)) return [];
    return globSync('**/rollout-*.jsonl', { cwd: sessions })
      .sort()
      .map((path) => join(sessions, path));
  }

  /** Reads a file of the project. */
  read(path: string): string {
    return readFileSync(join(this.projectDir, path), 'utf8');
  }

  /** Kills what still runs and removes all folders. */
  async close(): Promise<void> {
    this.#runs.kill();
    await this.mock.close();
    removePlace(this.#place);
  }
}
