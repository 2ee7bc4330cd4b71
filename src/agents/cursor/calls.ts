/** What Cursor's hooks tell of tool calls, as events. */
import { callKey } from '../../model/callKey.ts';
import type { FileOp, Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { intendedFileOps } from '../../model/fileOps.ts';
import { eventId, ids, randomEventId, textHash } from '../../model/ids.ts';
import { pathArgument, toolKind } from '../../model/tools.ts';
import { absolutePath } from '../claude/searchHits.ts';
import { asObject, asString as str } from '../rows.ts';
import { editedBy, editedFile, keptEdits } from './edits.ts';
import { argumentsOf, outputOf, toolFolder, toolName, workspaceOf } from './payload.ts';
import { type HookTold, laneOf } from './told.ts';

/** What names a call: its id, or (older versions) what it is called with. */
function named(told: HookTold): { useId: string; data: JsonObject } {
  const name = toolName(told.payload);
  const useId = str(told.payload.tool_use_id);
  const key = callKey(name, argumentsOf(told.payload.tool_input));
  return {
    useId,
    data: { tool_name: name, ...(useId === '' ? { call_key: key } : { tool_use_id: useId }) },
  };
}

export function call(told: HookTold): TraceEvent {
  const { useId, data } = named(told);
  return told.event('tool_call', useId === '' ? randomEventId() : ids.call(told.session, useId), {
    ...told.rest(),
    ...data,
    arguments: argumentsOf(told.payload.tool_input),
  });
}

function end(told: HookTold, type: 'tool_result' | 'error', data: JsonObject): TraceEvent {
  const { useId, data: name } = named(told);
  return told.event(
    type,
    useId === '' ? randomEventId() : ids.result(told.session, useId),
    { ...name, ...data },
    {
      ...(useId !== '' && { parent_id: ids.call(told.session, useId) }),
      ...told.duration(),
    },
  );
}

export function result(told: HookTold): TraceEvent {
  const { text, exitCode, failed } = outputOf(told.payload);
  const ops = failed ? [] : files(told);
  const useId = str(told.payload.tool_use_id);
  const kind = toolKind(toolName(told.payload));
  return end(told, 'tool_result', {
    ...told.rest(),
    result: text,
    ...(exitCode !== undefined && { exit_code: exitCode }),
    ...(failed && { is_error: true }),
    ...(ops.length > 0 && { files: ops as unknown as Json }),
    ...(kind === 'agent' && useId !== '' && { subagent_id: laneOf(useId) }),
    // `afterFileEdit` knows the lines.
    ...(kind === 'modify' && useId !== '' && { partial: true }),
  });
}

function files(told: HookTold): FileOp[] {
  const name = toolName(told.payload);
  const input = argumentsOf(told.payload.tool_input);
  const ops = intendedFileOps(toolKind(name), input) ?? [];
  const cwd = toolFolder(told.payload);
  return ops.map((op) => ({
    ...op,
    path: absolutePath(op.path, cwd),
    ...(name === 'Delete' && { kind: 'delete' as const }),
    // Which lines is not known, unless the whole was given.
    ...(op.kind === 'write' &&
      name !== 'Delete' &&
      typeof input.content !== 'string' && { ranges: [] }),
  }));
}

export function failure(told: HookTold): TraceEvent {
  const { error_message: message, is_interrupt: interrupted, ...rest } = told.rest();
  const denied = rest.failure_type === 'permission_denied';
  return end(told, 'error', {
    ...rest,
    ...(denied && { event_subtype: 'denied', denied_by: 'permission' }),
    error: str(message) || 'tool call failed',
    is_error: true,
    ...(interrupted === true && { is_interrupt: true }),
  });
}

/** The same edit is told by the call's own hooks, too: it is that call's result. */
export function edit(told: HookTold): TraceEvent[] {
  const cwd = workspaceOf(told.payload);
  const path = absolutePath(str(told.payload.file_path), cwd);
  if (path === '') return [told.unknown()];
  const { edits } = told.payload;
  const data = {
    files: [editedFile(path, edits)] as unknown as Json,
    edits: keptEdits(edits),
  };
  const known = editedBy(path, told.turn, cwd, told.context);
  if (known === 'told') return [];
  if (known !== 'none') {
    const { tool_name = 'Write', tool_use_id = '' } = known.call.data;
    return [
      told.event(
        'tool_result',
        ids.result(told.session, str(tool_use_id)),
        { tool_name, tool_use_id, ...data },
        { parent_id: known.call.event_id },
      ),
    ];
  }
  const marks = [told.turn, path, textHash(JSON.stringify(edits ?? null))];
  const by = eventId(told.session, 'edit', ...marks);
  const write = { tool_name: 'Write' };
  return [
    told.event('tool_call', by, { ...write, arguments: { file_path: path } }),
    told.event(
      'tool_result',
      eventId(told.session, 'edit', ...marks, 'result'),
      { ...write, ...data },
      { parent_id: by },
    ),
  ];
}

/**
 * Hooks of single tools, which have no ids. We do not ask for them, but an entry of somebody's own may be there: where the
 * call's own hook has told of it, there is nothing to add.
 */
export function olderCall(told: HookTold, name: string, input: JsonObject): TraceEvent[] {
  const isEnd = told.name.startsWith('after');
  const known = (told.context.recent?.('tool_use_id') ?? []).some(
    ({ event_type, data }) =>
      event_type === 'tool_call' &&
      str(data.prompt_id) === told.turn &&
      sameCall(name, input, data),
  );
  if (known) return [];
  const keyed = { tool_name: name, call_key: callKey(name, input) };
  if (!isEnd) return [told.event('tool_call', randomEventId(), { ...keyed, arguments: input })];
  const given = told.payload.output ?? told.payload.result_json;
  const { text } = outputOf({ tool_output: given ?? '' });
  return [told.event('tool_result', randomEventId(), { ...keyed, result: text }, told.duration())];
}

/** Of a read only that it happens: its payload holds the whole file. */
export function olderRead(told: HookTold): TraceEvent[] {
  const cwd = workspaceOf(told.payload);
  const path = absolutePath(str(told.payload.file_path), cwd);
  if (path === '') return [];
  const known = (told.context.recent?.(path.split(/[\\/]/).at(-1) ?? '') ?? []).some(
    ({ event_type, data }) =>
      event_type === 'tool_call' &&
      str(data.prompt_id) === told.turn &&
      absolutePath(pathArgument(asObject(data.arguments) ?? {}) ?? '', cwd) === path,
  );
  return known ? [] : [told.event('file_read', told.once('file_path'), { path })];
}

function sameCall(name: string, input: JsonObject, data: JsonObject): boolean {
  if (str(data.tool_name) !== name) return false;
  const args = asObject(data.arguments) ?? {};
  // Redaction may have changed the command: a call of the same turn that nobody can tell apart is the same.
  if (name === 'Shell') return str(args.command) === str(input.command) || 'redacted' in data;
  return callKey(name, args) === callKey(name, input) || 'redacted' in data;
}
