/** Whether a change of Claude Code's settings takes the guard away. */
import { readHookCommand } from '../agents/hookEntry.ts';
import { isObject, type Json } from '../model/event.ts';
import { readSmallFile } from '../trace/files.ts';

const MAX_SETTINGS = 1_048_576;

/**
 * @param file absolute path of the settings as they are now; empty: not told
 * @param isOurs whether set-up put our hooks into this file, and has not taken them out
 * @returns what is lost, for people; undefined: nothing
 */
export function claudeHooksLost(
  file: string,
  isOurs: (path: string) => boolean,
): string | undefined {
  if (file === '') return undefined;
  const settings = read(file);
  if (settings !== undefined && isObject(settings) && settings.disableAllHooks === true) {
    return `"disableAllHooks" in ${file} would switch the guard off`;
  }
  if (!isOurs(file)) return undefined;
  const hooks = settings !== undefined && isObject(settings) ? settings.hooks : undefined;
  const before = hooks !== undefined && isObject(hooks) ? hooks.PreToolUse : undefined;
  return runsUs(before) ? undefined : `the guard's hook was taken out of ${file}`;
}

function read(file: string): Json | undefined {
  try {
    return JSON.parse((readSmallFile(file, MAX_SETTINGS) ?? '').replace(/^\ufeff/, '')) as Json;
  } catch {
    return undefined;
  }
}

/** An entry for all tools with our command in it. */
function runsUs(entries: Json | undefined): boolean {
  if (!Array.isArray(entries)) return false;
  return entries.some((entry) => {
    if (!isObject(entry) || !Array.isArray(entry.hooks)) return false;
    if (entry.matcher !== undefined && entry.matcher !== '' && entry.matcher !== '*') return false;
    return entry.hooks.some((hook) => isObject(hook) && isOurs(hook.command));
  });
}

/** On Windows the commands have other forms. */
const isOurs = (command: Json | undefined): boolean =>
  typeof command === 'string' &&
  (readHookCommand(command)?.agent === 'claude' ||
    (process.platform === 'win32' && command.includes('agent-strace-hook')));
