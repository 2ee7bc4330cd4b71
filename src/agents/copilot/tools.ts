/** Copilot's tools, by their names in both forms of its hooks. */
import { isObject, type Json } from '../../model/event.ts';

/** Claude's names, which hooks with Claude's event names are told, and Copilot's own. */
const OWN_NAMES: Record<string, string> = {
  Bash: 'bash',
  Read: 'view',
  Write: 'create',
  Edit: 'edit',
  Grep: 'grep',
  Glob: 'glob',
  WebFetch: 'web_fetch',
  WebSearch: 'web_search',
  TodoWrite: 'update_todo',
  AskUserQuestion: 'ask_user',
  Agent: 'task',
  Task: 'task',
};

/** The tool as Copilot calls it: the same in both forms of its hooks, and in its transcript. */
export function ownName(tool: string, input: Json): string {
  if (tool === 'Bash' && process.platform === 'win32') return 'powershell';
  if (tool === 'Edit') {
    // Three of its tools are one to Claude.
    if (!isObject(input)) return 'apply_patch';
    if (typeof input.input === 'string' || typeof input.patch === 'string') return 'apply_patch';
    if (typeof input.command === 'string') return 'str_replace_editor';
  }
  return Object.hasOwn(OWN_NAMES, tool) ? OWN_NAMES[tool]! : tool;
}
