/** One way to drive all five real agents: a script of deeds in words that each of them understands. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { AgentRun, StartedAgent } from './agentRuns.ts';
import { ClaudeLab } from './claudeLab.ts';
import { CodexLab } from './codexLab.ts';
import { CopilotLab } from './copilotLab.ts';
import { GeminiLab } from './geminiLab.ts';
import { labPlace, removePlace, type SharedPlace } from './labPlace.ts';
import { type Block, type Scenario, text, tool } from './mockAnthropic.ts';
import { call, type GeminiScenario, type Part, say } from './mockGemini.ts';
import { calls, custom, type OpenaiBlock, type OpenaiScenario, says } from './mockOpenai.ts';
import { OpencodeLab } from './opencodeLab.ts';
import { type Answers, standInCommand, writeStandIn } from './standIn.ts';

export const WHO = ['claude', 'codex', 'gemini', 'copilot', 'opencode'] as const;
export type Who = (typeof WHO)[number];

/** What the model wants done. Paths are relative to the project. */
export type Deed =
  /** A file that is not there, by the agent's own tool. */
  | { write: string; content: string }
  | { run: string }
  | { read: string }
  /** A subagent that plays this script; with `later` its caller does not wait for it. */
  | { sub: string; later?: boolean }
  /** Another tool, by its own name and input. */
  | { tool: string; input: Record<string, unknown> }
  /** A tool of the MCP server `spoiler`. */
  | { spoil: string }
  | { say: string };

/** One answer of the model. */
export interface Turn {
  deeds: Deed[];
  /** Tokens of the answer. */
  spends?: { input?: number; output?: number };
  /** The answer does not begin before this settles. */
  gate?: () => Promise<unknown>;
}

/** By name; a subagent's script is named by its deed. Behind its last answer the model says `done`. */
export type Deeds = Record<string, (Turn | Deed[])[]>;

export interface AnyLab {
  who: Who;
  home: string;
  projectDir: string;
  /** Starts the agent on the script `main`. */
  start(options?: { args?: string[]; script?: string }): StartedAgent;
  run(options?: { args?: string[]; script?: string }): Promise<AgentRun>;
  /** All that the model was sent, as JSON. */
  heard(): string;
  close(): Promise<void>;
}

export interface AnyLabOptions {
  place?: SharedPlace;
  files?: Record<string, string>;
  /** Answers of a stand-in for our hooks, installed for the agent; absent: no hooks. */
  answers?: Answers;
  /** Of Copilot and opencode: the model that they ask for. */
  model?: string;
  /** An MCP server `spoiler`, whose tool `spoil` writes a file: program and arguments. */
  spoiler?: readonly string[];
}

const turnsOf = (turns: (Turn | Deed[])[]): Turn[] =>
  turns.map((turn) => (Array.isArray(turn) ? { deeds: turn } : turn));

/** @param word turns one deed into what this agent's model says */
function translate<B, S>(
  deeds: Deeds,
  word: (deed: Deed) => B,
  step: (of: B[], turn: Turn) => S,
): Record<string, S[]> {
  return Object.fromEntries(
    Object.entries(deeds).map(([name, turns]) => [
      name,
      turnsOf(turns).map((turn) => step(turn.deeds.map(word), turn)),
    ]),
  );
}

const gated = ({ gate }: Turn): { gate?: () => Promise<unknown> } => (gate ? { gate } : {});
const subPrompt = (name: string): string => `SCENARIO:${name} please`;

/** Small by default: agents that believe their window full forget what they did, and the script begins anew. */
const messagesStep = (blocks: Block[], turn: Turn) => ({
  blocks,
  ...gated(turn),
  usage: {
    input_tokens: turn.spends?.input ?? 100,
    output_tokens: turn.spends?.output ?? 50,
    cache_read_input_tokens: 1000,
  },
});

function claudeScript(deeds: Deeds, projectDir: string): Scenario {
  const at = (path: string) => (isAbsolute(path) ? path : join(projectDir, path));
  const word = (deed: Deed): Block => {
    if ('write' in deed) return tool('Write', { file_path: at(deed.write), content: deed.content });
    if ('run' in deed) return tool('Bash', { command: deed.run, description: 'Run' });
    if ('read' in deed) return tool('Read', { file_path: at(deed.read) });
    if ('say' in deed) return text(deed.say);
    if ('spoil' in deed) return tool('mcp__spoiler__spoil', { path: at(deed.spoil) });
    if ('tool' in deed) return tool(deed.tool, deed.input);
    return tool('Agent', {
      description: 'Help',
      prompt: subPrompt(deed.sub),
      subagent_type: 'general-purpose',
      run_in_background: deed.later === true,
    });
  };
  return translate(deeds, word, messagesStep);
}

function copilotScript(deeds: Deeds, projectDir: string): Scenario {
  const at = (path: string) => (isAbsolute(path) ? path : join(projectDir, path));
  const word = (deed: Deed): Block => {
    if ('write' in deed) return tool('create', { path: at(deed.write), file_text: deed.content });
    if ('run' in deed) return tool('bash', { command: deed.run, description: 'Run' });
    if ('read' in deed) return tool('view', { path: at(deed.read) });
    if ('say' in deed) return text(deed.say);
    if ('spoil' in deed) return tool('spoiler-spoil', { path: at(deed.spoil) });
    if ('tool' in deed) return tool(deed.tool, deed.input);
    return tool('task', {
      agent_type: 'general-purpose',
      description: 'Help',
      prompt: subPrompt(deed.sub),
      name: deed.sub,
      mode: deed.later === true ? 'background' : 'sync',
    });
  };
  return translate(deeds, word, messagesStep);
}

function opencodeScript(deeds: Deeds, projectDir: string): Scenario {
  const at = (path: string) => (isAbsolute(path) ? path : join(projectDir, path));
  const word = (deed: Deed): Block => {
    if ('write' in deed) return tool('write', { filePath: at(deed.write), content: deed.content });
    if ('run' in deed) return tool('bash', { command: deed.run, description: 'Run' });
    if ('read' in deed) return tool('read', { filePath: at(deed.read) });
    if ('say' in deed) return text(deed.say);
    if ('spoil' in deed) return tool('spoiler_spoil', { path: at(deed.spoil) });
    if ('tool' in deed) return tool(deed.tool, deed.input);
    return tool('task', {
      description: 'Help',
      prompt: subPrompt(deed.sub),
      subagent_type: 'general',
    });
  };
  return translate(deeds, word, messagesStep);
}

function geminiScript(deeds: Deeds, projectDir: string): GeminiScenario {
  const at = (path: string) => (isAbsolute(path) ? path : join(projectDir, path));
  const subs = new Set(
    Object.values(deeds)
      .flatMap(turnsOf)
      .flatMap((turn) => turn.deeds.flatMap((deed) => ('sub' in deed ? [deed.sub] : []))),
  );
  const word = (deed: Deed): Part => {
    if ('write' in deed) {
      return call('write_file', { file_path: at(deed.write), content: deed.content });
    }
    if ('run' in deed) return call('run_shell_command', { command: deed.run, description: 'Run' });
    if ('read' in deed) return call('read_file', { file_path: at(deed.read) });
    if ('say' in deed) return say(deed.say);
    if ('spoil' in deed) return call('mcp_spoiler_spoil', { path: at(deed.spoil) });
    if ('tool' in deed) return call(deed.tool, deed.input);
    return call('invoke_agent', { agent_name: 'generalist', prompt: subPrompt(deed.sub) });
  };
  const script = translate(deeds, word, (parts, turn) => ({
    parts,
    ...gated(turn),
    ...(turn.spends && {
      usage: {
        ...(turn.spends.input !== undefined && { promptTokenCount: turn.spends.input }),
        ...(turn.spends.output !== undefined && { candidatesTokenCount: turn.spends.output }),
      },
    }),
  }));
  // Its subagents end by a tool of their own.
  for (const name of subs) {
    script[name]?.push({ parts: [call('complete_task', { result: { response: 'done' } })] });
  }
  return script;
}

function codexScript(deeds: Deeds, given: () => readonly { scenario: string; step: number }[]) {
  const word = (deed: Deed): OpenaiBlock => {
    if ('write' in deed) {
      const lines = deed.content.replace(/\n$/, '').split('\n');
      const added = lines.map((line) => `+${line}`).join('\n');
      return custom(
        'apply_patch',
        `*** Begin Patch\n*** Add File: ${deed.write}\n${added}\n*** End Patch`,
      );
    }
    if ('run' in deed) return calls('exec_command', { cmd: deed.run });
    if ('read' in deed) return calls('exec_command', { cmd: `sed -n '1,200p' ${deed.read}` });
    if ('say' in deed) return says(deed.say);
    if ('spoil' in deed) {
      const input = { path: deed.spoil };
      return { type: 'call', name: 'spoil', namespace: 'mcp__spoiler', input };
    }
    if ('tool' in deed) return calls(deed.tool, deed.input);
    return {
      type: 'call',
      name: 'spawn_agent',
      namespace: 'multi_agent_v1',
      input: { message: subPrompt(deed.sub) },
    };
  };
  const script: OpenaiScenario = translate(deeds, word, (blocks, turn) => ({
    blocks,
    ...gated(turn),
    ...(turn.spends && {
      usage: {
        ...(turn.spends.input !== undefined && { input_tokens: turn.spends.input }),
        ...(turn.spends.output !== undefined && { output_tokens: turn.spends.output }),
      },
    }),
  }));
  // It does not wait for what it spawned: the model does, so that the run does not end before.
  for (const [name, turns] of Object.entries(deeds)) {
    turnsOf(turns).forEach((turn, at) => {
      const sub = turn.deeds.find((deed) => 'sub' in deed);
      if (sub === undefined || !('sub' in sub)) return;
      const played = turnsOf(deeds[sub.sub] ?? []);
      const ends = played.at(-1)?.deeds.every((deed) => 'say' in deed) === true;
      const last = played.length - (ends ? 1 : 0);
      const waiting = async (): Promise<void> => {
        for (let left = 400; left > 0; left--) {
          if (given().some(({ scenario, step }) => scenario === sub.sub && step >= last)) break;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      const steps = script[name]!;
      const next = steps[at + 1];
      if (next === undefined) steps.push({ blocks: [says('done')], gate: waiting });
      else steps[at + 1] = { ...(Array.isArray(next) ? { blocks: next } : next), gate: waiting };
    });
  }
  return script;
}

const HOOK_EVENTS: Record<Exclude<Who, 'opencode'>, readonly string[]> = {
  claude: [
    'PreToolUse',
    'PostToolUse',
    'PostToolUseFailure',
    'PostToolBatch',
    'PermissionRequest',
    'PermissionDenied',
    'UserPromptSubmit',
    'Stop',
    'SubagentStart',
    'SubagentStop',
    'SessionStart',
    'SessionEnd',
    'ConfigChange',
  ],
  codex: [
    'PreToolUse',
    'PostToolUse',
    'PermissionRequest',
    'UserPromptSubmit',
    'Stop',
    'SubagentStart',
    'SubagentStop',
    'SessionStart',
  ],
  gemini: [
    'SessionStart',
    'SessionEnd',
    'BeforeAgent',
    'AfterAgent',
    'BeforeTool',
    'AfterTool',
    'Notification',
  ],
  copilot: [
    'sessionStart',
    'sessionEnd',
    'userPromptSubmitted',
    'preToolUse',
    'permissionRequest',
    'postToolUse',
    'postToolUseFailure',
    'errorOccurred',
    'agentStop',
    'subagentStart',
    'subagentStop',
    'notification',
  ],
};

/** Hooks that answer what the test says, in the agent's own settings. @param timeout seconds */
export function installStandIn(who: Who, place: SharedPlace, answers: Answers, timeout = 60): void {
  const { home, projectDir } = place;
  writeStandIn(home, answers);
  const put = (path: string, value: string): void => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, value);
  };
  const command = (event: string) => standInCommand(home, event);
  if (who === 'opencode') {
    put(
      join(projectDir, '.opencode/plugins/standIn.js'),
      `import { execFileSync } from 'node:child_process';
const fire = (event, payload) => {
  const out = execFileSync('/bin/sh', ['-c', ${JSON.stringify(command('EVENT'))}.replace('EVENT', event)],
    { input: JSON.stringify(payload), encoding: 'utf8' });
  if (out.trim()) throw new Error(out.trim());
};
export const StandIn = async () => ({
  event: async ({ event }) => {
    if (event.type !== 'message.part.updated' || event.properties.part.type !== 'tool') return;
    try { fire('event', event); } catch {}
  },
  'tool.execute.before': async (input, output) => fire('before', { ...input, ...output }),
  'tool.execute.after': async (input, output) => fire('after', { ...input, ...output }),
  'chat.message': async (input, output) => fire('message', { input, output }),
});\n`,
    );
    return;
  }
  const events = HOOK_EVENTS[who];
  const groups = (unit: number) =>
    Object.fromEntries(
      events.map((event) => [
        event,
        [
          {
            ...(/Tool/.test(event) && { matcher: '*' }),
            hooks: [{ type: 'command', command: command(event), timeout: timeout * unit }],
          },
        ],
      ]),
    );
  if (who === 'claude') {
    put(join(projectDir, '.claude/settings.json'), JSON.stringify({ hooks: groups(1) }));
  } else if (who === 'codex') {
    put(join(home, '.codex/hooks.json'), JSON.stringify({ hooks: groups(1) }));
  } else if (who === 'gemini') {
    put(join(projectDir, '.gemini/settings.json'), JSON.stringify({ hooks: groups(1000) }));
  } else {
    const hooks = Object.fromEntries(
      events.map((event) => [
        event,
        [{ type: 'command', bash: command(event), timeoutSec: timeout }],
      ]),
    );
    put(join(projectDir, '.github/hooks/standIn.json'), JSON.stringify({ version: 1, hooks }));
  }
}

/** A lab of one agent, its model playing these deeds. */
export async function createLab(
  who: Who,
  script: Deeds | ((projectDir: string) => Deeds),
  { place: given, files = {}, answers, model, spoiler }: AnyLabOptions = {},
): Promise<AnyLab> {
  const own = given === undefined ? labPlace(`any-${who}`, undefined) : undefined;
  const place = given ?? own!;
  const { home, projectDir } = place;
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(projectDir, path, '..'), { recursive: true });
    writeFileSync(join(projectDir, path), content);
  }
  const deeds = typeof script === 'function' ? script(projectDir) : script;
  if (answers) installStandIn(who, place, answers);
  const lab = await startable(who, deeds, place, model);
  const more = spoiler === undefined ? [] : addServer(who, place, spoiler);
  const start: AnyLab['start'] = ({ args, ...options } = {}) =>
    lab.start({
      ...options,
      ...((args || more.length > 0) && { args: [...(args ?? []), ...more] }),
    });
  return {
    who,
    home,
    projectDir,
    start,
    run: async (options) => await start(options).done,
    heard: lab.heard,
    close: async () => {
      await lab.close();
      if (own) removePlace(own);
    },
  };
}

function edited(path: string, more: object): void {
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as object) : {};
  writeFileSync(path, JSON.stringify({ ...before, ...more }));
}

/** Sets up the server in the agent's own settings. @returns arguments that the agent needs for it */
function addServer(
  who: Who,
  { home, projectDir }: SharedPlace,
  spoiler: readonly string[],
): string[] {
  const [command = '', ...args] = spoiler;
  const servers = (more = {}) => ({ mcpServers: { spoiler: { command, args, ...more } } });
  switch (who) {
    case 'claude': {
      const file = join(home, 'mcp.json');
      edited(file, servers());
      return ['--mcp-config', file];
    }
    case 'codex':
      appendFileSync(
        join(home, '.codex/config.toml'),
        `[mcp_servers.spoiler]\ncommand = ${JSON.stringify(command)}\nargs = ${JSON.stringify(args)}\n`,
      );
      return [];
    case 'gemini':
      edited(join(home, '.gemini/settings.json'), servers({ trust: true }));
      return [];
    case 'copilot':
      edited(join(home, '.copilot/mcp-config.json'), servers({ type: 'local', tools: ['*'] }));
      return [];
    case 'opencode':
      edited(join(projectDir, 'opencode.json'), {
        mcp: { spoiler: { type: 'local', command: [...spoiler], enabled: true } },
      });
      return [];
  }
}

type Startable = Pick<AnyLab, 'start' | 'heard' | 'close'>;

async function startable(
  who: Who,
  deeds: Deeds,
  place: SharedPlace,
  model?: string,
): Promise<Startable> {
  const prompt = (script = 'main'): string => `SCENARIO:${script} please`;
  switch (who) {
    case 'claude': {
      const lab = await ClaudeLab.create({
        place,
        scenario: claudeScript(deeds, place.projectDir),
      });
      return {
        start: ({ args, script } = {}) =>
          lab.start({ prompt: prompt(script), ...(args && { args }) }),
        heard: () => lab.mock.requests.map(({ body }) => JSON.stringify(body)).join('\n'),
        close: () => lab.close(),
      };
    }
    case 'codex': {
      const lab = await CodexLab.create({}, {}, place);
      lab.mock.scenario = codexScript(deeds, () => lab.mock.answers);
      return {
        start: ({ args = [], script } = {}) => lab.start([...args, prompt(script)]),
        heard: () => lab.mock.bodies.join('\n'),
        close: () => lab.close(),
      };
    }
    case 'gemini': {
      const lab = await GeminiLab.create({
        place,
        scenario: () => geminiScript(deeds, place.projectDir),
      });
      // It would end loops by itself, and ask its model about long scripts.
      edited(join(place.home, '.gemini/settings.json'), { model: { disableLoopDetection: true } });
      return {
        start: ({ args, script } = {}) => lab.start(prompt(script), args),
        heard: () => lab.mock.bodies.join('\n'),
        close: () => lab.close(),
      };
    }
    case 'copilot': {
      const lab = await CopilotLab.create({
        place,
        scenario: () => copilotScript(deeds, place.projectDir),
      });
      return {
        start: ({ args, script } = {}) =>
          lab.start(prompt(script), {
            ...(args && { args }),
            ...(model !== undefined && { env: { COPILOT_MODEL: model } }),
          }),
        heard: () => lab.mock.requests.map(({ body }) => JSON.stringify(body)).join('\n'),
        close: () => lab.close(),
      };
    }
    case 'opencode': {
      const lab = await OpencodeLab.create(
        () => opencodeScript(deeds, place.projectDir),
        {},
        model,
        place,
      );
      const settings = JSON.parse(lab.read('opencode.json')) as object;
      const permission = { external_directory: 'allow', bash: 'allow', edit: 'allow' };
      lab.write('opencode.json', JSON.stringify({ ...settings, permission }));
      return {
        start: ({ args, script } = {}) => lab.start(prompt(script), args),
        heard: () => lab.mock.bodies.join('\n'),
        close: () => lab.close(),
      };
    }
  }
}
