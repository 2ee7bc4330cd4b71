/**
 * Cursor's payloads in one form, without what must not be kept. It also runs the hooks of Claude's settings, and then may
 * call events and tools as Claude does.
 */
import { isAbsolute } from 'node:path';
import { set } from '../../model/codec.ts';
import { isObject, type Json, type JsonObject } from '../../model/event.ts';
import { asObject, asString as str, textOf } from '../rows.ts';

/** Claude's names of events, as Cursor's documentation maps them. */
const EVENTS: Record<string, string> = {
  SessionStart: 'sessionStart',
  SessionEnd: 'sessionEnd',
  UserPromptSubmit: 'beforeSubmitPrompt',
  PreToolUse: 'preToolUse',
  PostToolUse: 'postToolUse',
  PostToolUseFailure: 'postToolUseFailure',
  SubagentStart: 'subagentStart',
  SubagentStop: 'subagentStop',
  PreCompact: 'preCompact',
  Stop: 'stop',
};

/** Claude's names of tools, as Cursor's documentation maps them; others are the same in both. */
const TOOLS: Record<string, string> = { Bash: 'Shell', Edit: 'Write' };

export const eventName = (name: string): string =>
  Object.hasOwn(EVENTS, name) ? EVENTS[name]! : name;

export function toolName(payload: JsonObject): string {
  const name = str(payload.tool_name);
  return Object.hasOwn(TOOLS, name) ? TOOLS[name]! : name;
}

/** The user's address stands in every payload, under this name. */
const EMAIL_KEY = /^user_?email$/i;
const MAX_DEPTH = 60;

/**
 * A payload without the user's address: neither the field, at whatever depth, nor the address in any text, for results
 * can quote a payload or the environment.
 */
export function withoutAddress(payload: JsonObject): JsonObject {
  const address = str(payload.user_email).trim();
  const isAddress = address.length > 4 && address.includes('@');
  const clean = (value: Json, depth: number): Json => {
    if (typeof value === 'string') {
      return isAddress && value.includes(address)
        ? value.replaceAll(address, '[user_email]')
        : value;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (depth > MAX_DEPTH) return '[cut: too deep]';
    if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1));
    const kept: JsonObject = {};
    for (const [key, item] of Object.entries(value)) {
      if (EMAIL_KEY.test(key)) continue;
      set(kept, clean(key, depth) as string, clean(item, depth + 1));
    }
    return kept;
  };
  return clean(payload, 0) as JsonObject;
}

/** An absolute path; on Windows Cursor writes `/c:/Users/…`. Empty where it is none. */
export function absolute(path: Json | undefined): string {
  const text = str(path);
  const native =
    process.platform === 'win32' && /^\/[A-Za-z]:[\\/]/.test(text) ? text.slice(1) : text;
  return isAbsolute(native) ? native : '';
}

/** The first folder of the workspace; empty in a window without one. */
export function workspaceOf(payload: JsonObject): string {
  const roots = Array.isArray(payload.workspace_roots) ? payload.workspace_roots : [];
  for (const root of roots) {
    const folder = absolute(root);
    if (folder !== '') return folder;
  }
  return '';
}

/** Where a tool works; a command's own folder is empty where it is the workspace's. */
export function toolFolder(payload: JsonObject): string {
  const input = asObject(payload.tool_input);
  return (
    absolute(input?.working_directory) ||
    absolute(input?.cwd) ||
    absolute(payload.cwd) ||
    workspaceOf(payload)
  );
}

/** A tool's input: an object, or (for MCP) JSON in a text. */
export function argumentsOf(input: Json | undefined): JsonObject {
  if (isObject(input)) return input;
  if (input === undefined || input === null) return {};
  const parsed = typeof input === 'string' ? asObject(parse(input)) : undefined;
  return parsed ?? { value: input };
}

/** What a tool gave, as far as it says so. */
export interface ToolOutput {
  text: string;
  exitCode?: number;
  failed?: boolean;
}

/**
 * `tool_output` is the tool's result as JSON in a text; its form is documented for commands only, and there it is another one in
 * real payloads (`output` for `stdout`). What is not understood stays as it is.
 */
export function outputOf(payload: JsonObject): ToolOutput {
  const raw = payload.tool_output ?? payload.tool_response;
  const value = typeof raw === 'string' ? (parse(raw) ?? raw) : raw;
  if (value === undefined || value === null) return { text: '' };
  // A result that was cut is no JSON any more; the code stands at either end.
  if (typeof value === 'string') return { text: value, ...exitIn(value) };
  const output = asObject(value);
  if (output === undefined) return { text: textOf(value) || JSON.stringify(value) };
  const { exitCode, success } = output;
  return {
    text: wordsOf(output) ?? (typeof raw === 'string' ? raw : JSON.stringify(value)),
    ...(Number.isSafeInteger(exitCode) && { exitCode: exitCode as number }),
    ...(success === false && { failed: true }),
  };
}

function wordsOf(output: JsonObject): string | undefined {
  const { stdout, stderr, content } = output;
  if (typeof output.output === 'string') return output.output;
  if (typeof stdout === 'string' || typeof stderr === 'string') {
    return [str(stdout), str(stderr)].filter((part) => part !== '').join('\n');
  }
  return typeof content === 'string' || Array.isArray(content) ? textOf(content) : undefined;
}

function exitIn(text: string): { exitCode?: number } {
  const code =
    /^\s*\{\s*"exitCode":\s*(-?\d{1,10})\s*,/.exec(text)?.[1] ??
    /,\s*"exitCode":\s*(-?\d{1,10})\s*\}\s*$/.exec(text.slice(-100))?.[1];
  return code === undefined ? {} : { exitCode: Number(code) };
}

function parse(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
