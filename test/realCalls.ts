/** Every tool call of recorded sessions: what agents ask for in earnest. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { AgentId, HookRecorder } from '../src/agents/agent.ts';
import { claudeRecorder } from '../src/agents/claude/recorder.ts';
import { codexRecorder } from '../src/agents/codex/hook.ts';
import { copilotRecorder } from '../src/agents/copilot/hook.ts';
import { geminiRecorder } from '../src/agents/gemini/hook.ts';
import { isObject, type Json, type JsonObject } from '../src/model/event.ts';

export interface RealCall {
  /** The file that it is from. */
  from: string;
  agent: AgentId;
  name: string;
  /** Where it ran, as recorded; empty where it does not say. */
  cwd: string;
  input: JsonObject;
}

const HOOKS: Record<string, HookRecorder> = {
  claude: claudeRecorder,
  codex: codexRecorder,
  copilot: copilotRecorder,
  gemini: geminiRecorder,
};

function* rows(file: string): Generator<JsonObject> {
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    try {
      const row = JSON.parse(line) as Json;
      if (isObject(row)) yield row;
    } catch {
      // Torn, or empty.
    }
  }
}

function* filesBelow(folder: string, name: RegExp): Generator<string> {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && name.test(entry.name)) yield join(entry.parentPath, entry.name);
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const object = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});

function* claudeCalls(file: string): Generator<RealCall> {
  for (const row of rows(file)) {
    const { content } = object(row.message);
    for (const block of Array.isArray(content) ? content : [])
      if (isObject(block) && block.type === 'tool_use')
        yield {
          from: basename(file),
          agent: 'claude',
          name: text(block.name),
          cwd: text(row.cwd),
          input: object(block.input),
        };
  }
}

function* codexCalls(file: string): Generator<RealCall> {
  let cwd = '';
  for (const row of rows(file)) {
    const payload = object(row.payload);
    cwd = text(payload.cwd) || cwd;
    const at = { from: basename(file), agent: 'codex' as const, cwd };
    if (payload.type === 'function_call') {
      try {
        const input = object(JSON.parse(text(payload.arguments)));
        yield { ...at, name: text(payload.name), input };
      } catch {
        // No call that could be made.
      }
    } else if (payload.type === 'custom_tool_call') {
      const given = text(payload.input);
      const inner = [...given.matchAll(/tools\.(\w+)\((\{"[^\n]*?\})\)/g)];
      // A script that calls tools: each is a call of its own to hooks.
      for (const [, name = '', json = ''] of inner) {
        try {
          yield { ...at, name, input: object(JSON.parse(json)) };
        } catch {
          // Made up by code.
        }
      }
      const patch = /"(?:\\.|[^"\\])*\*\*\* Begin Patch(?:\\.|[^"\\])*"/.exec(given)?.[0];
      if (patch !== undefined)
        yield { ...at, name: 'apply_patch', input: { input: JSON.parse(patch) as string } };
      for (const [, command = ''] of given.matchAll(/\{cmd:("(?:\\.|[^"\\])*")/g))
        yield { ...at, name: 'exec_command', input: { cmd: JSON.parse(command) as string } };
      if (payload.name !== 'exec')
        yield { ...at, name: text(payload.name), input: { input: given } };
    }
  }
}

function* hookCalls(file: string, agent: string): Generator<RealCall> {
  const recorder = HOOKS[agent];
  for (const row of rows(file)) {
    const payload = object(row.payload);
    if (recorder === undefined || !/pre.?tool|before.?tool/i.test(text(row.event))) continue;
    const tool = recorder.toolOf(payload);
    if (tool === undefined) continue;
    const { name, input, cwd } = tool;
    yield {
      from: `${agent}/${basename(join(file, '..'))}`,
      agent: agent as AgentId,
      name,
      cwd,
      input,
    };
  }
}

function* traceCalls(file: string): Generator<RealCall> {
  let cwd = '';
  for (const row of rows(file)) {
    const data = object(row.data);
    cwd = text(data.cwd) || cwd;
    if (row.event_type !== 'tool_call') continue;
    const input = object(data.arguments);
    yield {
      from: basename(join(file, '..')),
      agent: 'claude',
      name: text(data.tool_name),
      cwd,
      input,
    };
  }
}

/** @param shared the folder with recorded sessions, absolute */
export function* realCalls(shared: string): Generator<RealCall> {
  for (const file of filesBelow(join(shared, 'real/claude'), /\.jsonl$/)) yield* claudeCalls(file);
  for (const file of filesBelow(join(shared, 'real/codex'), /\.jsonl$/)) yield* codexCalls(file);
  for (const agent of Object.keys(HOOKS))
    for (const file of filesBelow(join(shared, 'captures', agent), /^hooks\.ndjson$/))
      yield* hookCalls(file, agent);
  for (const file of filesBelow(join(shared, 'captures/opencode'), /\.ndjson$/)) {
    for (const row of rows(file)) {
      const payload = object(row.payload);
      const input = object(object(payload.output).args);
      if (/before/.test(text(row.event)))
        yield {
          from: 'opencode',
          agent: 'opencode',
          name: text(object(payload.input).tool),
          cwd: '',
          input,
        };
    }
  }
  for (const file of filesBelow(join(shared, 'seed-traces'), /^events\.ndjson$/))
    yield* traceCalls(file);
}
