/** Our entries in a file of hooks, `{"hooks": {"<event>": […]}}`, as most agents have it in one of two shapes. */
import { applyEdits, findNodeAtLocation, getNodeValue, modify, type Node } from 'jsonc-parser';
import type { AgentId } from '../agent.ts';
import { isHookCommand } from '../launcher.ts';
import {
  checkEdit,
  Editor,
  formatOf,
  type JsonDialect,
  parseObject,
  removeAt,
  SettingsError,
  type Step,
  sameJson,
  uniqueProperty,
} from './jsonEdit.ts';
import type { SettingsEdit } from './plan.ts';

export interface HookFormat {
  /** Whose name our commands hold. */
  agent: AgentId;
  /** Every event that we may write, whatever the agent's version. */
  events: readonly string[];
  /** Handlers stand in groups, `{matcher?, hooks: [handler]}`; else right in the event's list. */
  grouped: boolean;
  /** The file needs `"version": 1`. */
  versioned?: boolean;
  /** A file that the agent cannot read is not for us to add to. */
  dialect?: JsonDialect;
  /** The file is ours alone: without our entries there is no need for it. */
  ownFile?: boolean;
}

/** What is written, by event: a group, or a handler. */
export type WantedHooks = ReadonlyMap<string, object>;

/** A command hook, as Claude Code, Codex and others have it. */
export interface CommandGroup {
  matcher?: string;
  hooks: object[];
}

/** @throws SettingsError where the text is no file of hooks that we dare to edit */
function parseHooks(text: string, { events, dialect, versioned }: HookFormat): Node {
  const root = parseObject(text, dialect);
  if (versioned === true) {
    const version = uniqueProperty(root, 'version');
    if (version !== undefined && version.value !== 1)
      throw new SettingsError('has a "version" that is not 1');
  }
  const hooks = uniqueProperty(root, 'hooks');
  // `null` is as good as not there.
  if (hooks === undefined || hooks.type === 'null') return root;
  if (hooks.type !== 'object') throw new SettingsError('has "hooks" that are not an object');
  for (const name of events) {
    const entries = uniqueProperty(hooks, name);
    if (entries !== undefined && entries.type !== 'array' && entries.type !== 'null') {
      throw new SettingsError(`has "hooks.${name}" that is not a list`);
    }
  }
  return root;
}

interface Found {
  event: string;
  /** Where the handler stands. */
  place: (string | number)[];
  /** The event's entry that it is in, or is. */
  value: unknown;
}

const COMMAND_KEYS = ['command', 'bash', 'powershell', 'commandWindows'] as const;

function isOurs(handler: Node, agent: AgentId): boolean {
  if (handler.type !== 'object') return false;
  return COMMAND_KEYS.some((key) => {
    const command: unknown = findNodeAtLocation(handler, [key])?.value;
    return typeof command === 'string' && isHookCommand(command, agent);
  });
}

/** Our entries, in the order of the file. */
function findOurs(root: Node, { agent, grouped }: HookFormat): Found[] {
  const found: Found[] = [];
  for (const property of findNodeAtLocation(root, ['hooks'])?.children ?? []) {
    const [key, entries] = property.children ?? [];
    if (entries?.type !== 'array') continue;
    const event = String(key?.value);
    for (const [index, entry] of (entries.children ?? []).entries()) {
      const value: unknown = getNodeValue(entry);
      const place = ['hooks', event, index];
      if (!grouped) {
        if (isOurs(entry, agent)) found.push({ event, place, value });
        continue;
      }
      const handlers = entry.type === 'object' ? findNodeAtLocation(entry, ['hooks']) : undefined;
      if (handlers?.type !== 'array') continue;
      for (const [handler, item] of (handlers.children ?? []).entries()) {
        if (isOurs(item, agent)) found.push({ event, place: [...place, 'hooks', handler], value });
      }
    }
  }
  return found;
}

/** The file with our entries added after all others. @throws SettingsError */
export function addHooks(
  text: string,
  wanted: WantedHooks,
  format: HookFormat,
): { text: string; steps: Step[] } {
  const edit = new Editor(text);
  if (text.trim() === '') edit.replace('{}\n');
  const formattingOptions = formatOf(text);
  const versioned = format.versioned === true;
  if (versioned && uniqueProperty(parseHooks(edit.text, format), 'version') === undefined) {
    const edits = modify(edit.text, ['version'], 1, {
      formattingOptions,
      getInsertionIndex: () => 0,
    });
    edit.replace(applyEdits(edit.text, edits));
  }
  if (findNodeAtLocation(parseHooks(edit.text, format), ['hooks'])?.type === 'null') {
    // A name cannot be put into null.
    edit.replace(applyEdits(edit.text, modify(edit.text, ['hooks'], {}, { formattingOptions })));
  }
  for (const [event, entry] of wanted) {
    const before = parseHooks(edit.text, format);
    const entries = findNodeAtLocation(before, ['hooks', event]);
    const isList = entries?.type === 'array';
    const place = isList ? ['hooks', event, entries.children?.length ?? 0] : ['hooks', event];
    const edits = modify(edit.text, place, isList ? entry : [entry], {
      formattingOptions,
      isArrayInsertion: isList,
    });
    const next = applyEdits(edit.text, edits);
    checkEdit(before, next, (settings) => {
      const hooks = (settings.hooks ?? {}) as Record<string, unknown>;
      const known = (hooks[event] ?? []) as unknown[];
      settings.hooks = { ...hooks, [event]: [...known, entry] };
    });
    edit.replace(next);
  }
  return edit;
}

/** The file without our entries, and without what was left empty by that. @throws SettingsError */
export function removeHooks(text: string, format: HookFormat): string {
  let left = text;
  for (const { place } of findOurs(parseHooks(text, format), format).reverse()) {
    left = removeAt(left, place);
    // What was made empty goes too: its list, its group, its event, and "hooks" itself.
    for (const length of format.grouped ? [4, 2, 1] : [2, 1]) {
      const emptied = findNodeAtLocation(parseHooks(left, format), place.slice(0, length));
      if (emptied === undefined || (emptied.children?.length ?? 0) > 0) break;
      const path = place.slice(0, length === 4 ? 3 : length);
      left = removeAt(left, path);
    }
  }
  return left;
}

/** Whether the file holds just what is wanted. @throws SettingsError */
export function hasJust(text: string, wanted: WantedHooks, format: HookFormat): boolean {
  const ours = findOurs(parseHooks(text, format), format);
  let handlers = 0;
  for (const entry of wanted.values()) {
    handlers += 'hooks' in entry && Array.isArray(entry.hooks) ? entry.hooks.length : 1;
  }
  if (ours.length !== handlers) return false;
  return ours.every(({ event, value }) => sameJson(value, wanted.get(event)));
}

/** How our part of a file of hooks is edited. */
export function hookFileEdit(format: HookFormat, wanted: WantedHooks): SettingsEdit {
  return {
    events: [...wanted.keys()],
    hasOurs: (text) => findOurs(parseHooks(text, format), format).length > 0,
    isUpToDate: (text) => hasJust(text, wanted, format),
    add: (text) => addHooks(text, wanted, format),
    remove(text) {
      const left = removeHooks(text, format);
      if (format.ownFile !== true || left === text) return left;
      const names = Object.keys(getNodeValue(parseObject(left)) as object);
      return names.every((name) => name === 'version') ? undefined : left;
    },
  };
}
