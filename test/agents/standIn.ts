/** A stand-in for a hook: writes down what it was given, and answers what a test says. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../src/model/event.ts';

/** The first that fits is given. */
export interface StandInAnswer {
  /** Name of the event, whole. */
  event: string;
  /** Stands in the payload's JSON. */
  about?: string;
  /** Printed; objects as JSON. */
  stdout?: string | object;
  stderr?: string;
  exit?: number;
  /** ms before it answers. */
  after?: number;
}
export type Answers = readonly StandInAnswer[];

/** One call of the stand-in. */
export interface StandInCall {
  event: string;
  payload: JsonObject;
  /** It answered something. */
  answered: boolean;
}

const folderOf = (home: string): string => join(home, 'standIn');

/** @param home the lab's: the stand-in and what it has seen lie in it */
export function writeStandIn(home: string, answers: Answers): void {
  mkdirSync(folderOf(home), { recursive: true });
  writeFileSync(join(folderOf(home), 'answers.json'), JSON.stringify(answers));
  writeFileSync(
    join(folderOf(home), 'hook.cjs'),
    `const { appendFileSync, readFileSync } = require('node:fs');
const input = readFileSync(0, 'utf8');
const event = process.argv[2];
const answers = JSON.parse(readFileSync(__dirname + '/answers.json', 'utf8'));
const found = answers.find((a) => a.event === event && (!a.about || input.includes(a.about)));
let payload;
try { payload = JSON.parse(input); } catch { payload = { text: input }; }
const line = { event, payload, answered: found !== undefined };
appendFileSync(__dirname + '/calls.ndjson', JSON.stringify(line) + '\\n');
setTimeout(() => {
  if (!found) return;
  const { stdout = '', stderr = '', exit = 0 } = found;
  process.stdout.write(typeof stdout === 'string' ? stdout : JSON.stringify(stdout));
  process.stderr.write(stderr);
  process.exitCode = exit;
}, found?.after ?? 0);
`,
  );
}

export const standInCommand = (home: string, event: string): string =>
  `'${process.execPath}' '${join(folderOf(home), 'hook.cjs')}' ${event}`;

/** What the stand-in has seen, in order. */
export function standInCalls(home: string): StandInCall[] {
  const path = join(folderOf(home), 'calls.ndjson');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as StandInCall);
}
