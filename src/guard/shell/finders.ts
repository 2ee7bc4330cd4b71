/** `find` and `fd`: what they list, delete and run. */
import { type Call, inFolders, type Sink } from './call.ts';
import { Options } from './options.ts';
import { activated, isUnknown, type Pattern, textOf, UNKNOWN } from './pattern.ts';
import type { Output } from './state.ts';

/** The command with values for its mark, or at its end. */
export function filled(
  command: readonly Pattern[],
  values: readonly Pattern[],
  mark: Pattern | undefined,
): Pattern[] {
  if (mark === undefined || mark === '') return [...command, ...values];
  return command.flatMap((word) => {
    if (!word.includes(mark)) return [word];
    return (values.length ? values : ['']).map((value) => word.replaceAll(mark, () => value));
  });
}

const FIND_ROOT_OPTION = /^-(H|L|P|O\d?|D)$/;

/** `find`: what it lists, deletes and runs. */
export function find(call: Call, sink: Sink): Output | undefined {
  const { args } = call;
  let at = 0;
  while (FIND_ROOT_OPTION.test(args[at] ?? '')) at += args[at] === '-D' ? 2 : 1;
  const roots: Pattern[] = [];
  while (at < args.length && !/^(-|\(|!|,)/.test(textOf(args[at]!))) roots.push(args[at++]!);
  if (!roots.length) roots.push('.');
  const rest = args.slice(at);
  const names = foundNames(rest);
  const found = roots.flatMap((root) => {
    if (isUnknown(root)) return [UNKNOWN];
    const below = `${root.replace(/\/+$/, '') || '/'}/**`;
    return names?.map((name) => `${below}/${name}`) ?? [below];
  });
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index]!;
    // Folders are deleted only when they are empty.
    const foldersOnly = rest.some((each, at) => each === '-type' && rest[at + 1] === 'd');
    if (word === '-delete' && !(foldersOnly && !rest.some((each) => /^-o(r)?$|^,$/.test(each))))
      for (const path of found) sink.write(call, path, 'find -delete', { keepLast: true });
    else if (/^-f(print0?|printf|ls)$/.test(word))
      sink.write(call, rest[index + 1] ?? UNKNOWN, `find ${word}`);
    else if (/^-(exec|execdir|ok|okdir)$/.test(word)) {
      let end = index + 1;
      while (
        end < rest.length &&
        rest[end] !== ';' &&
        !(rest[end] === '+' && rest[end - 1] === '{}')
      )
        end++;
      const command = rest.slice(index + 1, end);
      const inside = word.endsWith('dir') ? inFolders(call, []) : call;
      // Below a folder is also what is found in it.
      sink.invoke(filled(command, found, '{}'), inside, 'find -exec');
      index = end;
    } else if (word === '-files0-from') sink.read(call, rest[index + 1] ?? UNKNOWN, 'find');
  }
  return { lines: [...found, ...(names === undefined ? roots : [])], exact: false };
}

/** The names that an expression of `find` narrows its finds to; undefined: they may be any. Only plain ones are read. */
function foundNames(expression: readonly Pattern[]): Pattern[] | undefined {
  const rest: Pattern[] = [];
  for (let at = 0; at < expression.length; at++) {
    const word = textOf(expression[at]!);
    // What is left out only makes it less.
    const negated = word === '-not' || word === '!';
    if (negated && /^-i?(name|path|wholename)$/.test(expression[at + 1] ?? '')) at += 2;
    else rest.push(word === '(' || word === ')' ? word : expression[at]!);
  }
  const group = nameGroup(rest);
  const isName = (word: Pattern): boolean => /^-i?name$/.test(word);
  const plain = group?.rest ?? rest;
  if (plain.some((word) => /^(-o|-or|-not|!|,|\(|-iname)$/.test(word))) {
    // `-name x -prune -o -name y -delete`: the last part is the one with the deed.
    const last = plain.lastIndexOf('-o');
    const before = plain.slice(0, Math.max(0, last));
    if (last < 0 || group !== undefined || !before.includes('-prune')) return undefined;
    if (before.some((word) => /^-(o|or|delete|f?print.*|fls|exec.*|ok.*)$/.test(word)))
      return undefined;
    return foundNames(plain.slice(last + 1));
  }
  const names = plain.flatMap((word, index) => (isName(word) ? [plain[index + 1] ?? '*'] : []));
  const all = group === undefined ? names : names.length === 0 ? group.names : names;
  if (all.length === 0 || (names.length > 1 && group === undefined) || all.some(isUnknown))
    return undefined;
  return all.map(activated);
}

/** `( -name a -o -name b )`, and what stands around it. */
function nameGroup(words: readonly Pattern[]): { names: Pattern[]; rest: Pattern[] } | undefined {
  const open = words.indexOf('(');
  const close = words.indexOf(')');
  if (open < 0 || close < open || words.lastIndexOf('(') !== open) return undefined;
  const inner = words.slice(open + 1, close);
  const names: Pattern[] = [];
  for (let at = 0; at < inner.length; at += 3) {
    if (inner[at] !== '-name' || inner[at + 1] === undefined) return undefined;
    if (at + 2 < inner.length && !/^-or?$/.test(inner[at + 2]!)) return undefined;
    names.push(inner[at + 1]!);
  }
  return { names, rest: [...words.slice(0, open), ...words.slice(close + 1)] };
}

/** `fd`: as find, with a pattern first. */
export function fd(call: Call, sink: Sink): Output | undefined {
  const at = call.args.findIndex((word) => /^(-x|-X|--exec|--exec-batch)$/.test(word));
  const own = at < 0 ? call.args : call.args.slice(0, at);
  const options = new Options(
    call.args.length && at >= 0 ? own : call.args,
    'e E t d c j S o extension exclude type max-depth base-directory',
  );
  const roots = options.operands.slice(1);
  const found = (roots.length ? roots : ['.']).map((root) => `${root}/**`);
  if (at >= 0) {
    const command = call.args.slice(at + 1);
    const end = command.indexOf(';');
    const words = end < 0 ? command : command.slice(0, end);
    sink.invoke(
      words.some((w) => w.includes('{}')) ? filled(words, found, '{}') : [...words, ...found],
      call,
      'fd -x',
    );
  }
  return { lines: found, exact: false };
}
