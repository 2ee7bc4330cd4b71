import * as vscode from 'vscode';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import { sessionFor, sessionKeyOf } from './sessionArgument.ts';

/** Titles of the lists that the person picks from. */
export interface PairWords {
  first: string;
  second: string;
}

/**
 * The two sessions that a command is about. What was run before is A.
 *
 * @param first key or tree item; the person picks what is not named. Anything may come
 * @param second key, tree item, or all that are selected in the tree
 * @returns keys; undefined: the person picked none, or one session twice (said so)
 */
export async function pairFor(
  engine: Engine,
  focus: Focus,
  first: unknown,
  second: unknown,
  words: PairWords,
): Promise<[a: string, b: string] | undefined> {
  const selected = Array.isArray(second)
    ? second.map(sessionKeyOf).filter((key): key is string => key !== undefined)
    : [];
  const [a, b] =
    selected.length === 2
      ? oldestFirst(engine, selected)
      : [sessionKeyOf(first), Array.isArray(second) ? undefined : sessionKeyOf(second)];
  const keyA = a ?? (await pickSession(engine, focus, words.first));
  if (keyA === undefined) return undefined;
  const keyB = b ?? (await pickSession(engine, focus, words.second, keyA));
  if (keyB === undefined) return undefined;
  if (keyA !== keyB) return [keyA, keyB];
  void vscode.window.showInformationMessage(
    vscode.l10n.t('Both are the same session. Pick another one.'),
  );
  return undefined;
}

/** @param without key of one that is not to be picked */
export async function pickSession(
  engine: Engine,
  focus: Focus,
  title: string,
  without?: string,
): Promise<string | undefined> {
  const found = await sessionFor(engine, focus, undefined, {
    title,
    past: true,
    fits: ({ key }) => key !== without,
  });
  if (!found) return undefined;
  found.release();
  return found.session.key;
}

function oldestFirst(engine: Engine, keys: readonly string[]): readonly string[] {
  const order = engine.live.all.map(({ key }) => key);
  return keys.toSorted((x, y) => order.indexOf(y) - order.indexOf(x));
}
