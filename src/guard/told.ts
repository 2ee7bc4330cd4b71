/** Of several windows, and a `watch`, one tells a person of a trip: who first says that it will. */
import { createRecord } from './store.ts';

type Env = Record<string, string | undefined>;

/**
 * @param what id of a trip or question
 * @param at its time, seconds: one that trips again is told again
 * @returns whether it is ours to tell; also where that cannot be kept: twice is better than never
 */
export function mayTell(what: string, at: number, env: Env = process.env): boolean {
  const name = `${what.replace(/[^0-9a-z-]/gi, '')}-${Math.round(at * 1000)}.json`;
  return createRecord('told', name, { version: 1, pid: process.pid }, env) !== 'known';
}
