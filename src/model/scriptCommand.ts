import { isObject, type JsonObject } from './event.ts';
import { commandArgument } from './tools.ts';

/** UTF-16 units of a script that are looked at. */
const MOST = 20_000;
const MOST_COMMANDS = 20;
const COMMAND =
  /\bexec_command\(\s*\{[^{}]{0,2000}?\bcmd"?\s*:\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/g;

/**
 * The shell command of a call, also where it stands in a script that the model wrote: Codex calls its tools from JavaScript,
 * and several commands of one script are joined by `;`. For what people read and how calls are told apart, never for decisions.
 */
export function shownCommand(args: JsonObject): string | undefined {
  const own = commandArgument(args);
  if (own !== undefined || typeof args.input !== 'string') return own;
  const found: string[] = [];
  for (const [, literal = ''] of args.input.slice(0, MOST).matchAll(COMMAND)) {
    const text = textOf(literal);
    if (text !== '') found.push(text);
    if (found.length >= MOST_COMMANDS) break;
  }
  return found.length > 0 ? found.join('; ') : undefined;
}

/** The same of an event's data: undefined where that is no call of a command, or none at all. */
export const commandIn = (data: JsonObject | undefined): string | undefined =>
  isObject(data?.arguments) ? shownCommand(data.arguments) : undefined;

function textOf(literal: string): string {
  const inner = literal.slice(1, -1);
  const json = literal.startsWith('"')
    ? literal
    : `"${inner.replace(/\\'/g, "'").replace(/"/g, '\\"')}"`;
  try {
    return JSON.parse(json) as string;
  } catch {
    return inner;
  }
}
