/**
 * How a tool call ended, in the words of either generation: `item_completed` (Codex 0.169) and the `…_end`
 * events of older ones. Pure.
 */
import type { FileOp, Json, JsonObject } from '../../model/event.ts';
import { asObject, asString, pruned, textOf } from '../claude/usage.ts';
import { changedFiles, folderOf, readFiles } from './changes.ts';

export interface Done {
  /** The call's id. */
  id: string;
  /** For calls that no row of their own tells of: those of a script (`exec`), or of the user's. */
  name: string;
  input: JsonObject;
  /** What came of it; undefined where only the output's row says. */
  text?: string;
  exit?: number;
  /** Milliseconds that it took. */
  ms?: number;
  /** Milliseconds since the epoch. */
  startedAtMs?: number;
  files?: FileOp[];
  failed?: boolean;
  /** A person said no. */
  declined?: boolean;
  /** The thread that it started. */
  subagent?: string;
}

const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** `{secs, nanos}`, in whole milliseconds. */
function durationMs(value: unknown): number | undefined {
  const secs = number(asObject(value)?.secs);
  if (secs === undefined || secs < 0) return undefined;
  return Math.round(secs * 1000 + (number(asObject(value)?.nanos) ?? 0) / 1e6);
}

/** The script in `["/bin/bash", "-lc", "…"]`; else all of it. */
export function scriptOf(command: unknown): string {
  if (!Array.isArray(command)) return asString(command);
  const words = command.map(asString);
  const script = words.length === 3 && /^-l?i?c$|^-Command$/.test(words[1]!) ? words[2] : undefined;
  return script ?? words.join(' ');
}

/** Name of an MCP tool, as the hooks say it. */
export const mcpName = (server: string, tool: string): string => `mcp__${server}__${tool}`;

/** @param cwd the session's folder, for items that do not say where they ran */
export function doneByItem(payload: JsonObject, cwd: string): Done | undefined {
  const item = asObject(payload.item);
  const id = asString(item?.id);
  const done = item === undefined || id === '' ? undefined : byItemType(item, id, cwd);
  if (done === undefined) return undefined;
  const start = number(payload.started_at_ms);
  const end = number(payload.completed_at_ms);
  if (start !== undefined && start > 0) {
    done.startedAtMs = start;
    if (end !== undefined && end >= start) done.ms ??= end - start;
  }
  return done;
}

function byItemType(item: JsonObject, id: string, cwd: string): Done | undefined {
  switch (item.type) {
    case 'CommandExecution':
      return command(item, id, cwd);
    case 'FileChange':
      return patch(item, id, cwd, item.status === 'failed');
    case 'McpToolCall':
      return mcp(item, item, id);
    case 'DynamicToolCall':
      return dynamic(item, id);
    case 'WebSearch':
      return web(item, id);
    case 'ImageView':
      return image(item, id, cwd);
    case 'ImageGeneration':
      return picture(item, id);
    case 'CollabAgentToolCall': {
      const threads = Array.isArray(item.receiver_thread_ids) ? item.receiver_thread_ids : [];
      const spawned = /^spawn_?agent$/i.test(asString(item.tool)) ? asString(threads[0]) : '';
      const failed = item.status === 'failed';
      const input = pruned({ message: item.prompt ?? '' });
      return { id, name: asString(item.tool), input, subagent: spawned, failed };
    }
    default:
      return undefined;
  }
}

/** Of an older rollout's event; undefined for events that end no call. */
export function doneByEvent(event: JsonObject, cwd: string): Done | undefined {
  const id = asString(event.call_id);
  if (id === '') return undefined;
  switch (event.type) {
    case 'exec_command_end':
      return command(event, id, cwd);
    case 'patch_apply_end':
      return patch(event, id, cwd, event.success === false);
    case 'mcp_tool_call_end':
      return mcp(event, asObject(event.invocation) ?? {}, id);
    case 'dynamic_tool_call_response':
      return dynamic(event, id);
    case 'web_search_end':
      return web(event, id);
    case 'view_image_tool_call':
      return image(event, id, cwd);
    case 'image_generation_end':
      return picture(event, id);
    case 'collab_agent_spawn_end': {
      const input = pruned({ message: event.prompt ?? '' });
      return { id, name: 'spawn_agent', input, subagent: asString(event.new_thread_id) };
    }
    default:
      return undefined;
  }
}

function command(item: JsonObject, id: string, sessionCwd: string): Done {
  const cwd = folderOf(item.cwd) || sessionCwd;
  const script = scriptOf(item.command);
  const text =
    asString(item.aggregated_output) || `${asString(item.stdout)}${asString(item.stderr)}`;
  const exit = number(item.exit_code);
  const ms = durationMs(item.duration);
  const declined = item.status === 'declined';
  const files = exit === 0 ? readFiles(script, item.parsed_cmd, text, cwd) : [];
  return {
    id,
    name: 'exec_command',
    input: pruned({ cmd: script, workdir: cwd }),
    text: text || asString(item.formatted_output),
    ...(exit !== undefined && !declined && { exit }),
    ...(ms !== undefined && { ms }),
    ...(files.length > 0 && { files }),
    failed: (exit !== undefined && exit !== 0) || item.status === 'failed',
    declined,
  };
}

function patch(item: JsonObject, id: string, cwd: string, failed: boolean): Done {
  const declined = item.status === 'declined';
  const output = [item.stdout, item.stderr].map(asString).filter(Boolean).join('\n');
  return {
    id,
    name: 'apply_patch',
    input: { files: Object.keys(asObject(item.changes) ?? {}).slice(0, 100) },
    text: output,
    ...(!failed && !declined && { files: changedFiles(item.changes, cwd) }),
    failed,
    declined,
  };
}

function mcp(item: JsonObject, call: JsonObject, id: string): Done {
  const result = asObject(item.result);
  // The older form is Rust's `Result`: `{Ok: …}` or `{Err: '…'}`.
  const value = asObject(result?.Ok) ?? result;
  const error = asString(asObject(item.error)?.message) || asString(result?.Err);
  const failed =
    error !== '' || item.status === 'failed' || [value?.isError, value?.is_error].includes(true);
  const ms = durationMs(item.duration);
  return {
    id,
    name: mcpName(asString(call.server), asString(call.tool)),
    input: inputOf(call.arguments),
    text: error || textOf(value?.content),
    ...(ms !== undefined && { ms }),
    failed,
  };
}

function dynamic(item: JsonObject, id: string): Done {
  const ms = durationMs(item.duration);
  const failed = item.success === false || item.status === 'failed';
  return {
    id,
    name: asString(item.tool),
    input: inputOf(item.arguments),
    text: asString(item.error) || textOf(item.content_items),
    ...(ms !== undefined && { ms }),
    failed,
  };
}

function web(item: JsonObject, id: string): Done {
  const input = { ...asObject(item.action), ...pruned({ query: item.query ?? '' }) };
  return { id, name: 'web_search', input, text: '' };
}

function image(item: JsonObject, id: string, cwd: string): Done {
  const path = folderOf(item.path);
  const op: FileOp = { path, kind: 'read', ranges: [] };
  const files = path === '' ? {} : { files: [op] };
  return { id, name: 'view_image', input: pruned({ path, workdir: cwd }), text: '', ...files };
}

function picture(item: JsonObject, id: string): Done {
  const input = pruned({ prompt: item.revised_prompt ?? '' });
  return { id, name: 'image_generation', input, text: asString(item.saved_path) };
}

/** Arguments as an object, whatever they are; texts are read as JSON first. */
export function inputOf(value: Json | undefined, key = 'input'): JsonObject {
  if (typeof value === 'string') {
    try {
      const parsed = asObject(JSON.parse(value));
      if (parsed !== undefined) return parsed;
    } catch {
      // Not JSON: a patch, a script, or a call that failed for it.
    }
    return { [key]: value };
  }
  return asObject(value) ?? (value === undefined || value === null ? {} : { [key]: value });
}

/** What the model was told of a call, taken apart. */
export interface Output {
  text: string;
  exit?: number;
  ms?: number;
  /** The command still runs. */
  running?: boolean;
  denied?: 'hook' | 'user';
  failed?: boolean;
  /** Somebody pressed Esc. */
  interrupted?: boolean;
}

const UNIFIED =
  /^(?:Chunk ID: .*\n)?Wall time: ([\d.]+) seconds\n(?:Process exited with code (-?\d+)|Process running with session ID .*)\n(?:Original token count: \d+\n)?Output:\n/;
/** Of a script that calls tools (`exec`). */
const SCRIPT = /^Script (\w+)[^\n]*\nWall time:? ([\d.]+) seconds?\n/;
const PATCHED = /^Exit code: (-?\d+)\nWall time: ([\d.]+) seconds?\n/;

/** @param value a `…_output` row's `output`: a text, a JSON text, or content blocks */
export function readOutput(value: Json | undefined): Output {
  const raw = typeof value === 'string' ? value : textOf(asObject(value)?.content ?? value);
  const unified = UNIFIED.exec(raw);
  if (unified !== null) {
    const running = unified[2] === undefined;
    const rest = raw.slice(unified[0].length);
    const facts = { ms: Math.round(Number(unified[1]) * 1000) };
    return running ? { text: raw, running } : { text: rest, exit: Number(unified[2]), ...facts };
  }
  const patched = PATCHED.exec(raw);
  if (patched !== null) {
    return { text: raw, exit: Number(patched[1]), ms: Math.round(Number(patched[2]) * 1000) };
  }
  const script = SCRIPT.exec(raw);
  if (script !== null) {
    if (script[1] === 'running') return { text: raw, running: true };
    const failed = script[1] !== 'completed';
    return { text: raw, ms: Math.round(Number(script[2]) * 1000), ...(failed && { failed }) };
  }
  if (/^(?:Wall time:? [\d.]+ seconds?\n)?aborted by user/.test(raw)) {
    return { text: raw, failed: true, interrupted: true };
  }
  if (raw.startsWith('{"output":')) {
    const json = inputOf(raw);
    const meta = asObject(json.metadata);
    const exit = number(meta?.exit_code);
    const seconds = number(meta?.duration_seconds);
    return {
      text: asString(json.output),
      ...(exit !== undefined && { exit }),
      ...(seconds !== undefined && { ms: Math.round(seconds * 1000) }),
    };
  }
  if (/^[\w ]{1,40} blocked by PreToolUse hook\b/.test(raw)) return { text: raw, denied: 'hook' };
  if (/^(?:exec command|patch) rejected by user|^rejected by user/.test(raw)) {
    return { text: raw, denied: 'user' };
  }
  return { text: raw };
}
