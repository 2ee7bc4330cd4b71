/** The calls of a recorded session as rules see them, one after the other. */
import { readlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { type AgentId, isAgentId } from '../agents/agent.ts';
import { FLAG, TYPE } from '../model/columns.ts';
import { isObject, type Json, type TraceEvent } from '../model/event.ts';
import type { TraceSession } from '../trace/session.ts';
import { type CallWorld, guardedCall } from './decision/callOf.ts';
import { plainPath } from './decision/callPaths.ts';
import type { GuardedCall, Touch } from './decision/guardedCall.ts';
import { resolved } from './shell/paths.ts';
import { escaped, type Pattern } from './shell/pattern.ts';
import { readCommand } from './shell/readCommand.ts';

export interface RecordedCall {
  /** 1-based. */
  step: number;
  event: TraceEvent;
  /** How it ended, where that is known. */
  end: TraceEvent | undefined;
  /** As far as it is told by what was asked for. */
  call: GuardedCall;
  /** What its result says of files that the call does not: what a command changed, what a search found. */
  outcome: GuardedCall | undefined;
  /** It did not run, as the trace has it. */
  denied: boolean;
  /** Its input is cut in the trace. */
  cut: boolean;
}

export interface RecordedOptions {
  /**
   * The trace was recorded on this machine: links are followed as they lie now. Of a trace from elsewhere the paths are taken by
   * the letter.
   */
  local: boolean;
  /** The session's project, absolute: where it worked if it does not say. */
  root: string;
}

/** Whether all of its command could be read as one. */
export const isParsed = ({ reading }: GuardedCall): boolean =>
  reading?.opaque.some(({ reason }) => reason === 'unparsable' || reason === 'tooLong') !== true;

/** Steps whose events are read at once. */
const BATCH = 100;
/** A larger event was not written by a recorder, bytes. */
const MAX_SIZE = 8_000_000;
/** Links that are remembered. */
const MAX_LINKS = 20_000;

/** The home folder of whoever worked there; ours where the folder does not say. */
export function homeOf(cwd: string): string {
  return /^(?:\/(?:home|Users)\/[^/]+|\/root)(?=\/|$)/.exec(cwd)?.[0] ?? homedir();
}

/** @returns undefined now and then: a moment to let others work */
export function* recordedCalls(
  session: TraceSession,
  { local, root }: RecordedOptions,
): Generator<RecordedCall | undefined> {
  const { fold } = session;
  const { columns, steps } = fold;
  const start = fold.session.cwd || root;
  const agent = fold.session.provider;
  let cwd = start;
  const world: CallWorld = {
    cwd,
    home: homeOf(start),
    resolveLink: local ? links() : () => undefined,
    readCommand,
  };
  for (let from = 0; from < steps.length; from += BATCH) {
    const rows: number[] = [];
    for (let at = from; at < Math.min(steps.length, from + BATCH); at++) {
      const row = steps.row(at);
      const type = columns.type[row]!;
      const wanted =
        (type === TYPE.tool_call || type === TYPE.file_read || type === TYPE.file_write) &&
        (columns.flags[row]! & FLAG.subagent) === 0 &&
        columns.size[row]! <= MAX_SIZE;
      const pair = wanted ? columns.pair[row]! : -1;
      rows.push(wanted ? row : -1, pair >= 0 && columns.size[pair]! <= MAX_SIZE ? pair : -1);
    }
    const events = session.readEvents(rows);
    for (let index = 0; index < rows.length; index += 2) {
      const event = events[index];
      if (event === undefined) continue;
      const { data } = event;
      if (typeof data.cwd === 'string' && data.cwd !== '') cwd = data.cwd;
      const here = { ...world, cwd };
      const end = events[index + 1];
      const call =
        event.event_type === 'tool_call' ? called(event, agent, here) : told(event, here);
      const row = rows[index]!;
      yield {
        step: from + index / 2 + 1,
        event,
        end,
        call,
        outcome: end && outcomeOf(call, end, here),
        denied: (columns.flags[row]! & FLAG.denied) !== 0 || end?.data.event_subtype === 'denied',
        cut: isCut(event),
      };
    }
    yield undefined;
  }
}

function links(): (path: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (path) => {
    if (known.has(path)) return known.get(path);
    if (known.size >= MAX_LINKS) known.clear();
    let target: string | undefined;
    try {
      target = readlinkSync(path);
    } catch {
      // No link, or nothing at all.
    }
    known.set(path, target);
    return target;
  };
}

function called(
  { data, event_id: id }: TraceEvent,
  provider: string,
  world: CallWorld,
): GuardedCall {
  const named = text(data.provider) || provider;
  const agent: AgentId = isAgentId(named) ? named : 'claude';
  const tool = {
    name: text(data.tool_name),
    callId: text(data.tool_use_id) || text(data.call_key) || id,
    cwd: world.cwd,
    input: isObject(data.arguments) ? data.arguments : {},
  };
  const agentId = text(data.agent_id);
  return guardedCall(tool, agent, { ...world, ...(agentId !== '' && { agentId }) });
}

/** Of an event that tells of one file. */
function told({ event_type: type, event_id: id, data }: TraceEvent, world: CallWorld): GuardedCall {
  const access = type === 'file_write' ? 'write' : 'read';
  const path = text(data.path) || text(data.uri);
  return {
    ...empty(type, id, world.cwd),
    kind: access === 'read' ? 'read' : 'modify',
    touches: path === '' ? [] : located(path, world).map((each) => touch(each, access, type)),
  };
}

const empty = (tool: string, callId: string, cwd: string): GuardedCall => ({
  tool,
  kind: 'tool',
  callId,
  key: '',
  cwd,
  touches: [],
  hosts: [],
  secrets: [],
});

const touch = (path: Pattern | undefined, access: Touch['access'], how: string): Touch => ({
  path,
  access,
  deep: false,
  how,
});

/** By the letter, and with links followed. */
function located(path: string, world: CallWorld): Pattern[] {
  // Of MCP: what is no file is no path.
  if (/^[a-z][a-z0-9+.-]+:/i.test(path) && !/^file:/i.test(path)) return [];
  const pattern = escaped(plainPath(path).replaceAll('\0', ''));
  const at = [
    resolved(pattern, world.cwd, { resolveLink: () => undefined }),
    resolved(pattern, world.cwd, world),
  ];
  return [...new Set(at)].filter((each) => each !== undefined);
}

const ACCESS: Record<string, Touch['access']> = {
  read: 'read',
  write: 'write',
  create: 'write',
  delete: 'delete',
};
/** Files of one result. */
const MAX_FILES = 2000;

function outcomeOf(
  call: GuardedCall,
  { data }: TraceEvent,
  world: CallWorld,
): GuardedCall | undefined {
  const { files } = data;
  if (!Array.isArray(files)) return undefined;
  const known = new Set(call.touches.map(({ path, access }) => `${access} ${path}`));
  const touches: Touch[] = [];
  for (const file of files.slice(0, MAX_FILES)) {
    if (!isObject(file) || typeof file.path !== 'string') continue;
    const access = ACCESS[text(file.kind)];
    if (access === undefined) continue;
    for (const path of located(file.path, world))
      if (!known.has(`${access} ${path}`)) touches.push(touch(path, access, call.tool));
  }
  if (touches.length === 0) return undefined;
  return { ...empty(call.tool, call.callId, call.cwd), touches };
}

/** Arguments that say what a call does; the text that it writes may be as long as it likes. */
const TELLING = /^arguments(\.(command|cmd|input|patch|script|chars|file_path|path)\b.*)?$/;

function isCut({ data }: TraceEvent): boolean {
  return isObject(data.truncated) && Object.keys(data.truncated).some((key) => TELLING.test(key));
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
