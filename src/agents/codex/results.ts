/** How a Codex tool call ended, from the texts and items that Codex writes of it. */
import { type FileOp, isObject, type Json, type JsonObject } from '../../model/event.ts';

import { commandHits } from '../claude/searchHits.ts';
import { lineCount } from '../fileHunks.ts';
import { asObject, asString, textOf } from '../rows.ts';
import { absolutePath, plainPath } from './patch.ts';

/** What is known of a call's end. */
export interface Outcome {
  /** What the model saw, or what the command printed. */
  text: string;
  exitCode?: number;
  failed: boolean;
  deniedBy?: string;
  interrupted?: boolean;
  durationMs?: number;
  files?: FileOp[];
  /** The command goes on: what is told is its beginning. */
  running?: boolean;
}

const BLOCKED = /^(?:Command|Tool call) blocked by PreToolUse hook/;
const REJECTED = /^(?:exec command |patch |MCP tool call |command )?rejected by (?:the )?user/i;
/** What the model is told of a call that did not come to run; no hook fires after it. */
const NOT_RUN =
  /^(?:failed to parse function arguments|unsupported (?:custom tool )?call:|unable to (?:locate|process|read) image|apply_patch verification failed|patch rejected|exec_command failed|execution error:|tool call error:)/;
/** The command, or the script, was not waited for. */
const GOES_ON = /^(?:Process running with session ID|Script running with cell ID)/m;
/** A script of the model's that calls tools: `exec`. */
const SCRIPT_FAILED = /^Script (?:failed|error|terminated)\b/;
const ABORTED = /^(?:Wall time:? [\d.]{1,20} seconds\n)?aborted(?: by user)?(?: after|$|\n)/;

/** The text of a tool's output: plain, content parts, or JSON in an object. */
export function outputText(output: Json | undefined): string {
  if (typeof output === 'string') return output;
  if (Array.isArray(output)) return textOf(output);
  if (!isObject(output)) return output === undefined || output === null ? '' : String(output);
  if (Array.isArray(output.content)) return textOf(output.content);
  for (const key of ['content', 'output', 'text']) {
    if (typeof output[key] === 'string') return output[key];
  }
  return JSON.stringify(output);
}

/** What an output row says, for calls of which nothing else tells. */
export function outcomeOfOutput(output: Json | undefined): Outcome {
  const text = outputText(output);
  const old = oldShellOutput(text);
  if (old !== undefined) return old;
  if (BLOCKED.test(text)) return { text, failed: true, deniedBy: 'hook' };
  if (REJECTED.test(text)) return { text, failed: true, deniedBy: 'user' };
  if (ABORTED.test(text)) return { text, failed: true, interrupted: true };
  const code = exitCodeOf(text);
  const seconds = /^Wall time:? (\d{1,7}(?:\.\d{1,9})?) seconds/m.exec(text.slice(0, 500))?.[1];
  return {
    text,
    failed:
      (code ?? 0) !== 0 ||
      SCRIPT_FAILED.test(text) ||
      NOT_RUN.test(text) ||
      (isObject(output) && output.success === false),
    ...(code !== undefined && { exitCode: code }),
    ...(seconds !== undefined && { durationMs: Math.round(Number(seconds) * 1000) }),
    ...(GOES_ON.test(text.slice(0, 500)) && { running: true }),
  };
}

/** The exit code that stands above an output. */
export function exitCodeOf(text: string): number | undefined {
  const head = text.slice(0, 500).split(/^Output:/m)[0]!;
  const code = /^(?:Exit code:|Process exited with code) (-?\d{1,10})\b/m.exec(head)?.[1];
  return code === undefined ? undefined : Number(code);
}

/** Shell outputs of older versions: a JSON text. */
function oldShellOutput(text: string): Outcome | undefined {
  if (!text.startsWith('{"output":')) return undefined;
  try {
    const value = JSON.parse(text) as JsonObject;
    const metadata = asObject(value.metadata);
    const code = metadata?.exit_code;
    const seconds = metadata?.duration_seconds;
    if (typeof code !== 'number') return undefined;
    return {
      text: asString(value.output),
      exitCode: code,
      failed: code !== 0,
      ...(typeof seconds === 'number' && { durationMs: Math.round(seconds * 1000) }),
    };
  } catch {
    return undefined;
  }
}

/** Milliseconds of `{secs, nanos}` or of a text such as `1.2s`. */
export function durationMs(value: Json | undefined): number | undefined {
  if (isObject(value)) {
    const { secs, nanos } = value;
    if (typeof secs !== 'number' || typeof nanos !== 'number') return undefined;
    const ms = Math.round(secs * 1000 + nanos / 1e6);
    return ms >= 0 ? ms : undefined;
  }
  return undefined;
}

/** A finished command: an item, or an `exec_command_end` of older versions. */
export function outcomeOfCommand(item: JsonObject): Outcome {
  const text =
    asString(item.aggregated_output) ||
    [asString(item.stdout), asString(item.stderr)].filter((part) => part !== '').join('\n');
  const code = typeof item.exit_code === 'number' ? item.exit_code : undefined;
  const declined = item.status === 'declined';
  const took = durationMs(item.duration);
  const files = code === 0 ? readFiles(item, text) : [];
  return {
    text,
    failed: declined || item.status === 'failed' || (code ?? 0) !== 0,
    ...(code !== undefined && { exitCode: code }),
    ...(declined && { deniedBy: 'user' }),
    ...(took !== undefined && { durationMs: took }),
    ...(files.length > 0 && { files }),
  };
}

/** What an MCP tool gave: `{Ok: …}` or `{Err: …}` in older versions, the result itself in newer ones. */
export function outcomeOfMcp(item: JsonObject): Outcome {
  const result = asObject(item.result);
  const inner = asObject(result?.Ok) ?? (result !== undefined && !('Err' in result) ? result : {});
  const error = asString(result?.Err) || asString(asObject(item.error)?.message);
  const took = durationMs(item.duration);
  return {
    text: error || outputText(inner),
    failed: error !== '' || item.status === 'failed' || (inner.isError ?? inner.is_error) === true,
    ...(took !== undefined && { durationMs: took }),
  };
}

/**
 * The files that a command read, by Codex's own understanding of it (`parsed_cmd`), with the lines where the
 * command says them; and those that a search with line numbers showed lines of.
 */
function readFiles(item: JsonObject, output: string): FileOp[] {
  const parts = Array.isArray(item.parsed_cmd) ? item.parsed_cmd : [];
  const cwd = asString(item.cwd);
  const command = commandText(item.command);
  const ops = commandHits(command, output, plainPath(cwd));
  // Of several files nobody can say which of the lines are whose.
  const shown = parts.length === 1 ? lineCount(output) : Number.POSITIVE_INFINITY;
  for (const value of parts.slice(0, 50)) {
    const part = asObject(value);
    const path = asString(part?.path);
    if (part?.type !== 'read' || path === '') continue;
    const ranges = rangesOf(asString(part.cmd), shown);
    ops.push({ path: absolutePath(path, cwd), kind: 'read', ...ranges });
  }
  return ops;
}

/**
 * The lines that a reading command shows.
 *
 * @param shown lines that it printed: the file may end before the last one that was asked for
 */
function rangesOf(command: string, shown: number): { ranges?: [number, number][] } {
  const sed = /\bsed -n ['"]?(\d{1,9})(?:,(\d{1,9}))?p['"]?(?:\s|$)/.exec(command);
  const head = /\bhead (?:-n ?|-)(\d{1,9})\b/.exec(command)?.[1];
  if (sed === null && head === undefined) {
    return /^(?:cat|nl|bat)\b[^|]*$/.test(command) ? {} : { ranges: [] };
  }
  const first = sed === null ? 1 : Number(sed[1]);
  const wanted = sed === null ? Number(head) : Number(sed[2] ?? sed[1]);
  const last = Math.min(wanted, first + shown - 1);
  return { ranges: first >= 1 && last >= first ? [[first, last]] : [] };
}

/** A command without the shell that Codex runs it in. */
export function commandText(command: Json | undefined): string {
  if (!Array.isArray(command)) return asString(command);
  const parts = command.filter((part) => typeof part === 'string');
  const inShell = parts.length === 3 && /^-l?c$/.test(parts[1]!);
  return inShell ? parts[2]! : parts.join(' ');
}
