import { type Command, InvalidArgumentError, Option } from 'commander';
import { AGENT_IDS, type AgentId, isAgentId } from '../../agents/agent.ts';
import type { Io } from '../io.ts';

/** What commands are given: options by name. */
export interface Parsed {
  [name: string]: unknown;
}

/** Adds commands to the grammar. @param done called with the exit code of the one that was run */
export type Add = (program: Command, io: Io, done: (code: number) => void) => void;

/**
 * How much of a report's lists is shown, together with {@link showAll}.
 *
 * @param what such as `phases`
 * @param usual without it
 */
export const limit = (what: string, usual: number | string): Option =>
  new Option('--limit <n>', `at most so many ${what}, 0: all (default: ${usual})`).argParser(
    wholeNumber,
  );

export const showAll = (what = 'all of them'): Option => new Option('--all', what);

export const json = (): Option => new Option('--json', 'print JSON');

export const markdown = (): Option => new Option('--markdown', 'print Markdown');

/** Options as the command sees them, those given before its name included. */
export const all = (command: Command): Parsed => command.optsWithGlobals();

export const collect = (text: string, before: string[] = []): string[] => [...before, text];

export function agentNames(text: string): AgentId[] | 'all' {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('all')) return 'all';
  const agents = names.filter(isAgentId);
  if (agents.length < names.length) {
    const wrong = names.filter((name) => !isAgentId(name)).map((name) => `"${name}"`);
    const which = names.length > 1 ? `There is no agent ${wrong.join(', ')}. ` : '';
    throw new InvalidArgumentError(`${which}Allowed choices are ${AGENT_IDS.join(', ')}, all.`);
  }
  return [...new Set(agents)];
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 0 up.');
  return Number(text);
}

export function atLeastOne(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It must be a whole number from 1 up.');
  return value;
}

/** `0.9`, `90` or `90%`: a share from above 0 to 1. */
export function share(text: string): number {
  const [, digits, sign] = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(text) ?? [];
  const number = Number(digits ?? Number.NaN);
  const value = sign === '%' || number > 1 ? number / 100 : number;
  if (!(value > 0 && value <= 1)) {
    throw new InvalidArgumentError('It must be a share from above 0 to 1, such as 0.9 or 90%.');
  }
  return value;
}

export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return value;
}
