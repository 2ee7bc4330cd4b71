import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { opsByRow } from '../costs/opsByRow.ts';
import { SLICE, type Sliced } from '../slices.ts';

/** What tests that come before the code look like. */
export interface TestFirst {
  /** By step. 1: tests failed here, and since they passed last, or since the prompt, nothing but tests was changed. */
  red: Uint8Array;
  /** By step. 1: a file that is no test was changed, or one of which nobody tells. */
  code: Uint8Array;
}

/** A test by its name, or by a folder in the project. */
const NAME = /^(?:test_.*|.*[._-](?:test|spec|tests)|.*_spec|.*[a-z](?:Tests?|Spec))\.\w+$/;
const FOLDER = /(?:^|\/)(?:tests?|__tests__|specs?|testdata|fixtures|__snapshots__|e2e)\//;

/** Whether a file belongs to the tests. @param cwd the session's folder: what stands before it tells nothing */
export function isTestFile(path: string, cwd: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (NAME.test(name)) return true;
  const inside = cwd !== '' && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
  return !inside.startsWith('/') && FOLDER.test(inside);
}

/**
 * Where tests failed that were written before the code. Undefined: no tests failed. O(events).
 *
 * @param list rows of the steps
 * @param phases first steps, ascending, and whether a prompt begins there
 */
export function* testFirst(
  fold: SessionFold,
  list: Int32Array,
  phases: readonly { firstStep: number; part: number }[],
): Sliced<TestFirst | undefined> {
  const { columns, files, session } = fold;
  const { type, flags, pair } = columns;
  const isRed = (row: number): boolean =>
    type[row] === TYPE.tool_call &&
    (flags[row]! & (FLAG.test | FLAG.error | FLAG.denied)) === (FLAG.test | FLAG.error);
  let any = false;
  for (let step = 0; step < list.length && !any; step++) {
    if (step % SLICE === 0) yield;
    any = isRed(list[step]!);
  }
  if (!any) return undefined;
  const { first, next } = opsByRow(fold);
  const change = { file: 0, isRead: false, added: 0, removed: 0 };
  /** By path: 1 a test, 2 not. */
  const kinds = new Uint8Array(files.paths.names.length);
  const isTest = (file: number): boolean => {
    kinds[file] ||= isTestFile(files.paths.name(file), session.cwd) ? 1 : 2;
    return kinds[file] === 1;
  };
  const red = new Uint8Array(list.length);
  const code = new Uint8Array(list.length);
  let tests = false;
  let other = false;
  let phase = 0;
  for (let step = 0; step < list.length; step++) {
    if (step % SLICE === 0) yield;
    for (; phase < phases.length && phases[phase]!.firstStep <= step; phase++) {
      if (phases[phase]!.part === 0) {
        tests = false;
        other = false;
      }
    }
    const row = list[step]!;
    if (isRed(row)) {
      red[step] = tests && !other ? 1 : 0;
      continue;
    }
    if ((flags[row]! & (FLAG.error | FLAG.denied | FLAG.subagent)) !== 0) continue;
    let told = false;
    for (const at of [row, pair[row]!]) {
      for (let op = at < 0 ? -1 : first[at]!; op >= 0; op = next[op]!) {
        files.change(op, change);
        if (change.isRead) continue;
        told = true;
        if (isTest(change.file)) tests = true;
        else code[step] = 1;
      }
    }
    if (!told && (flags[row]! & FLAG.edit) !== 0) code[step] = 1;
    if (code[step] === 1) other = true;
    const passed =
      type[row] === TYPE.tool_call &&
      (flags[row]! & (FLAG.test | FLAG.closed)) === FLAG.test &&
      pair[row]! >= 0;
    if (passed) {
      tests = false;
      other = false;
    }
  }
  return { red, code };
}
