/** Items, and the older events that say the same: what each tells of a tool call. */
import { shallow } from '../../model/depth.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import { asObject, asString } from '../rows.ts';
import { changedFiles, plainPath } from './patch.ts';
import {
  commandText,
  type Outcome,
  outcomeOfCommand,
  outcomeOfMcp,
  outputText,
} from './results.ts';

/** A tool call and its end, as one row tells them. */
export interface ToolRow {
  id: string;
  name: string;
  /** For a call that no other row tells of. */
  input: JsonObject;
  outcome: Outcome;
}

/** Older events, by the item that says the same today. */
const OLD_EVENTS: Record<string, string> = {
  exec_command_end: 'CommandExecution',
  patch_apply_end: 'FileChange',
  mcp_tool_call_end: 'McpToolCall',
  web_search_end: 'WebSearch',
  image_generation_end: 'ImageGeneration',
  view_image_tool_call: 'ImageView',
};

/** @param row payload of an event, or an item; undefined where it is of no tool */
export function toolRow(row: JsonObject, cwd: string): ToolRow | undefined {
  const type = asString(row.type);
  const kind = Object.hasOwn(OLD_EVENTS, type) ? OLD_EVENTS[type]! : type;
  const id = asString(row.call_id) || asString(row.id);
  if (id === '') return undefined;
  switch (kind) {
    case 'CommandExecution':
      return {
        id,
        name: 'exec_command',
        input: { cmd: commandText(row.command), workdir: plainPath(asString(row.cwd)) },
        outcome: outcomeOfCommand(row),
      };
    case 'FileChange':
      return fileChange(id, row, cwd);
    case 'McpToolCall':
      return mcpCall(id, row);
    case 'WebSearch':
      return {
        id,
        name: 'web_search',
        input: { query: asString(row.query), action: row.action ?? {} },
        outcome: { text: '', failed: false },
      };
    case 'ImageGeneration':
      return {
        id,
        name: 'image_generation',
        input: { prompt: asString(row.revised_prompt) },
        outcome: {
          text: plainPath(asString(row.saved_path)),
          failed: row.status === 'failed',
        },
      };
    case 'ImageView': {
      const path = plainPath(asString(row.path));
      return {
        id,
        name: 'view_image',
        input: { path },
        outcome: {
          text: '[image]',
          failed: false,
          ...(path !== '' && { files: [{ path, kind: 'read', ranges: [] }] }),
        },
      };
    }
    default:
      return undefined;
  }
}

function fileChange(id: string, row: JsonObject, cwd: string): ToolRow {
  const said = [asString(row.stdout), asString(row.stderr)].filter((part) => part !== '');
  const declined = row.status === 'declined';
  const failed = declined || row.status === 'failed' || row.success === false;
  const files = failed ? [] : changedFiles(row.changes, cwd);
  const paths = Object.keys(asObject(row.changes) ?? {}).slice(0, 100);
  return {
    id,
    name: 'apply_patch',
    input: { path: paths[0] ?? '', ...(paths.length > 1 && { paths }) },
    outcome: {
      text: said.join('\n'),
      failed,
      ...(declined && { deniedBy: 'user' }),
      ...(files.length > 0 && { files }),
    },
  };
}

function mcpCall(id: string, row: JsonObject): ToolRow {
  const call = asObject(row.invocation) ?? row;
  const input = call.arguments;
  return {
    id,
    name: `mcp__${asString(call.server)}__${asString(call.tool)}`,
    input: asObject(input) ?? (input === undefined || input === null ? {} : { value: input }),
    outcome: outcomeOfMcp(row),
  };
}

/** A call that the model asked for. */
export interface AskedCall {
  id: string;
  name: string;
  input: JsonObject;
}

/** @param item a response's item; undefined where it asks for no tool */
export function askedCall(item: JsonObject): AskedCall | undefined {
  const id = asString(item.call_id) || asString(item.id);
  if (id === '') return undefined;
  const name = asString(item.name);
  switch (item.type) {
    case 'function_call':
      return { id, name: toolName(asString(item.namespace), name), input: parsed(item.arguments) };
    case 'custom_tool_call': {
      const text = outputText(item.input);
      // As its hooks call it.
      return { id, name, input: name === 'apply_patch' ? { command: text } : { input: text } };
    }
    case 'local_shell_call':
      return { id, name: 'local_shell', input: asObject(item.action) ?? {} };
    case 'tool_search_call':
      return { id, name: 'tool_search', input: parsed(item.arguments) };
    default:
      return undefined;
  }
}

/** Tools of MCP servers bear their server's name, as in hooks. */
function toolName(namespace: string, name: string): string {
  if (!namespace.startsWith('mcp__') || name.startsWith('mcp__')) return name;
  return namespace.endsWith('__') ? `${namespace}${name}` : `${namespace}__${name}`;
}

function parsed(text: Json | undefined): JsonObject {
  if (typeof text !== 'string') return asObject(text) ?? {};
  try {
    const value = shallow(JSON.parse(text) as Json);
    return asObject(value) ?? { value };
  } catch {
    return { input: text };
  }
}

/** The text of a prompt's parts; pictures are named, not told. */
export function promptText(row: JsonObject): string {
  if (typeof row.message === 'string') return row.message;
  const parts = Array.isArray(row.content) ? row.content : [];
  return parts
    .map(asObject)
    .map((part) => (part?.type === 'text' ? asString(part.text) : `[${asString(part?.type)}]`))
    .join('');
}
