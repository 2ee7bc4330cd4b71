/** From a hook's tool call, of whichever agent, to what rules see of it. */
import type { AgentId, HookTool } from '../../agents/agent.ts';
import { callKey } from '../../model/callKey.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import { mcpServerOf } from '../../model/mcpServer.ts';
import { toolKind } from '../../model/tools.ts';
import { redactValue } from '../../redact/redact.ts';
import { isSensitivePath } from '../../redact/sensitivePath.ts';
import { hostOf, urlHost } from '../shell/hosts.ts';
import { resolved } from '../shell/paths.ts';
import { escaped, isLiteral, type Pattern, textOf } from '../shell/pattern.ts';
import type { FileAct, ShellReading, ShellWorld } from '../shell/reading.ts';
import { asCommand, codeIn, commandIn, folderIn, plainPath, toolPaths } from './callPaths.ts';
import type { GuardedCall, Presence, Touch } from './guardedCall.ts';
import { SIGNS_IN } from './pathGlob.ts';

/** What is asked of the machine, and how commands are read: a bundle without the reader gives none. */
export interface CallWorld extends ShellWorld, Partial<Presence> {
  readCommand?: (text: string, world: ShellWorld) => ShellReading;
  /** Set where a subagent calls. */
  agentId?: string;
}

/** More paths than this are no call but an attack: the rest counts as one that is not known. */
const MAX_TOUCHES = 2000;
/** Folders of one call that are looked into. */
const MAX_LOOKS = 8;

/** Never throws, whatever the input is. */
export function guardedCall(tool: HookTool, agent: AgentId, world: CallWorld): GuardedCall {
  const start = tool.cwd || world.cwd;
  const folder = folderIn(tool.input);
  const cwd = folder === undefined ? start : (locate(folder, start, world)[0] ?? start);
  const kind = toolKind(tool.name);
  const server = mcpServerOf(tool.name, agent);
  const call: GuardedCall = {
    tool: tool.name,
    kind: server === undefined ? kind : 'mcp',
    callId: tool.callId,
    key: callKey(tool.name, tool.input),
    cwd,
    touches: [],
    hosts: [],
    secrets: [],
    ...(server !== undefined && { mcpServer: server }),
    ...(world.agentId !== undefined && { agentId: world.agentId }),
  };
  const code = codeIn(tool, call.kind);
  const command = code === undefined ? commandIn(tool, call.kind) : asCommand(code);
  if (command !== undefined) {
    readShell(call, command, { ...world, cwd: textOf(cwd) });
    const { below, isThere, gitState } = world;
    if (below && isThere && gitState) call.there = { below, isThere, gitState, said: command };
  }
  for (const { path, access, deep } of toolPaths(tool, call.kind)) {
    const at = locate(path, cwd, world);
    if (at.length === 0) call.touches.push({ path: undefined, access, deep, how: tool.name });
    for (const each of at) call.touches.push({ path: each, access, deep, how: tool.name });
  }
  if (command === undefined) addHosts(call, tool.input);
  addOwnNames(call.touches, world);
  look(call.touches, world);
  if (call.touches.length > MAX_TOUCHES) {
    call.touches.length = MAX_TOUCHES;
    call.touches.push({ path: undefined, access: 'unknown', deep: false, how: tool.name });
  }
  call.secrets = secretsIn(call, tool);
  return call;
}

/** Where a path leads, as it is given and with its links followed; none: it cannot be known. */
function locate(given: string, cwd: Pattern, world: ShellWorld): Pattern[] {
  const path = plainPath(given);
  // Agents trim it.
  const trimmed = path.trim();
  const also = trimmed === path || trimmed === '' ? [] : located(trimmed, cwd, world);
  return [...also, ...located(path, cwd, world)];
}

function located(path: string, cwd: Pattern, world: ShellWorld): Pattern[] {
  const home = path === '~' || path.startsWith('~/') ? world.home + path.slice(1) : path;
  const pattern = escaped(home.replaceAll('\0', ''));
  const named = resolved(pattern, cwd || undefined, { resolveLink: () => undefined });
  const real = resolved(pattern, cwd || undefined, world);
  if (named === undefined) return [];
  return real === undefined || real === named ? [named] : [real, named];
}

function readShell(call: GuardedCall, command: string, world: CallWorld): void {
  call.command = command;
  if (world.readCommand === undefined) return;
  const reading = world.readCommand(command, world);
  call.reading = reading;
  const add = (acts: readonly FileAct[], access: Touch['access']): void => {
    for (const { path, how, deep } of acts)
      call.touches.push({
        path,
        access: access === 'write' && DELETES.test(how) ? 'delete' : access,
        deep,
        how,
      });
  };
  add(reading.writes, 'write');
  add(reading.reads, 'read');
  // "Anything below the project" is said of many a linter.
  add(
    reading.uses.filter(({ path }) => path?.includes('**') !== true),
    'unknown',
  );
  const hosts = new Set<Pattern | undefined>();
  for (const { host, remote } of reading.hosts) {
    // A remote by its name: where it is stands in git's own settings.
    if (host !== undefined || remote === undefined || remote === '') hosts.add(host);
  }
  call.hosts = [...hosts];
}

const DELETES =
  /^(rm|rmdir|unlink|shred|srm|wipe|rimraf|trash|trash-put|del|find -delete|git (rm|clean|stash -[ua])|apply_patch delete)\b/;

/** A file has all its names: what is written by one is written by the others. */
function addOwnNames(touches: Touch[], { ownNames }: CallWorld): void {
  if (ownNames === undefined) return;
  for (const touch of touches.slice(0, MAX_TOUCHES)) {
    const { path, access } = touch;
    if (path === undefined || access === 'read' || access === 'delete' || !isLiteral(path))
      continue;
    for (const name of ownNames(textOf(path))) touches.push({ ...touch, path: escaped(name) });
  }
}

/** Names below folders that go with all in them, and of those that a pattern may mean: a rule may be about one of those. */
function look(touches: Touch[], { below }: CallWorld): void {
  if (below === undefined) return;
  let looks = 0;
  const known = new Map<string, string[] | undefined>();
  for (const touch of touches) {
    const { path } = touch;
    if (path === undefined) continue;
    const literal = isLiteral(path);
    if (literal && (!touch.deep || touch.access === 'read' || touch.access === 'unknown')) continue;
    const folder = literal ? path : path.slice(0, path.lastIndexOf('/')) || '/';
    if (!isLiteral(folder) || path.endsWith('/**')) continue;
    if (!known.has(folder)) {
      if (looks++ >= MAX_LOOKS) continue;
      known.set(folder, below(textOf(folder)));
    }
    const holds = known.get(folder);
    if (holds !== undefined) touch.holds = holds;
  }
}

/** Texts of an input: so many, and no deeper. */
const MAX_TEXTS = 5000;
const MAX_LEVELS = 30;

function* textsIn(value: Json | undefined, levels = MAX_LEVELS): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null && levels > 0) {
    for (const item of Object.values(value)) yield* textsIn(item, levels - 1);
  }
}

function addHosts(call: GuardedCall, input: JsonObject): void {
  const { kind } = call;
  if (kind !== 'web' && kind !== 'mcp' && kind !== 'tool') return;
  const hosts = new Set<Pattern>();
  let seen = 0;
  for (const text of textsIn(input)) {
    if (++seen > MAX_TEXTS) break;
    for (const [url] of text.matchAll(/\b(?:https?|wss?|ftp):\/\/[^\s"'<>`)\]}]{1,2000}/gi)) {
      const host = hostOf(escaped(url));
      if (host !== undefined) hosts.add(host.toLowerCase());
      if (hosts.size >= 200) break;
    }
  }
  // `example.com/page`: agents leave the scheme out.
  const { url } = input;
  if (kind === 'web' && typeof url === 'string' && hosts.size === 0 && url !== '') {
    const host = urlHost(escaped(url.trim()));
    if (host !== undefined) hosts.add(host.toLowerCase());
  }
  call.hosts = [...hosts];
}

/** This machine: nothing goes out. */
const isLoopback = (host: Pattern | undefined): boolean =>
  host !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?|0\.0\.0\.0)$/.test(host);

/** What is sent out, and to whom, decides whether it matters that there is a secret in it. */
function secretsIn(call: GuardedCall, tool: HookTool): string[] {
  const sends =
    call.kind === 'mcp' || call.kind === 'web' || call.hosts.some((host) => !isLoopback(host));
  if (!sends) return [];
  const counts: Record<string, number> = {};
  try {
    redactValue(tool.input, counts);
    // With the values of variables in it.
    if (call.reading !== undefined)
      redactValue(
        call.reading.programs.map(({ words }) => words.join(' ')),
        counts,
      );
  } catch {
    return ['unreadable'];
  }
  const sensitive =
    call.hosts.length > 0 &&
    call.touches.some(
      ({ path, access, how }) =>
        (access === 'read' || access === 'unknown') &&
        path !== undefined &&
        !SIGNS_IN.test(how) &&
        isSensitivePath(textOf(path)),
    );
  return [...Object.keys(counts), ...(sensitive ? ['file that holds secrets'] : [])];
}
