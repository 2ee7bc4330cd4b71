/** What belongs to the shell itself: folders, variables, functions, `eval`. */
import { type Call, prints, printsSome } from './call.ts';
import { Options } from './options.ts';
import { escaped, isGlob, isLiteral, isUnknown, type Pattern, textOf, UNKNOWN } from './pattern.ts';
import type { Reader } from './reader.ts';
import type { Output } from './state.ts';

type Builtin = (call: Call, reader: Reader) => Output | undefined;

const NOTHING = prints();

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ['cd', cd],
  ['chdir', cd],
  ['pushd', cd],
  ['popd', popd],
  ['pwd', (call) => (call.state.cwds.length === 1 ? prints(call.state.cwds[0]!) : undefined)],
  ['export', declare],
  ['declare', declare],
  ['typeset', declare],
  ['local', declare],
  ['readonly', declare],
  ['unset', unset],
  ['set', set],
  ['shift', shift],
  ['read', read],
  ['mapfile', mapfile],
  ['readarray', mapfile],
  ['getopts', getopts],
  ['eval', evaluate],
  ['trap', trap],
  ['alias', alias],
  ['unalias', unalias],
  ['source', source],
  ['.', source],
  ['exit', exit],
  ['return', returned],
  ['command', command],
  ['builtin', (call, reader) => reader.invoke(call.args, call, 'builtin')],
  ['exec', exec],
  ['hash', hash],
  ['enable', loads],
  ['bind', loads],
  ['complete', loads],
  ['let', () => NOTHING],
  ['type', (call) => which(call.args)],
  ['which', (call) => which(call.args)],
  ['whereis', (call) => which(call.args)],
  ['echo', echo],
  ['printf', printf],
]);

function cd(call: Call, reader: Reader): Output | undefined {
  const { operands } = new Options(call.args);
  const to = operands[0];
  const { state } = call;
  if (call.name === 'pushd') state.pushed.push(state.cwds);
  if (call.args.includes('-')) {
    [state.cwds, state.before] = [state.before, state.cwds];
    return NOTHING;
  }
  if (to === undefined)
    reader.cd(
      state,
      call.name === 'pushd' ? [undefined] : (state.vars.get('HOME') ?? reader.initial('HOME')),
    );
  else if (/^[+-]\d/.test(to)) reader.cd(state, [undefined]);
  else if (state.vars.has('CDPATH') && !/^\.{0,2}\//.test(to)) reader.cd(state, [undefined]);
  else reader.cd(state, [to]);
  return NOTHING;
}

function popd(call: Call): Output {
  const { state } = call;
  state.before = state.cwds;
  state.cwds = (call.args.length ? undefined : state.pushed.pop()) ?? [];
  return NOTHING;
}

/** `name=value` words; the value of one without `=` stays. */
function declare(call: Call, reader: Reader): Output {
  const options = new Options(call.args);
  // A name for another variable, or a function taken over: what it says is not what it does.
  if (options.has('n')) reader.opaque('hidden', 'eval', call.words.join(' '));
  for (const word of options.operands) {
    const cut = word.indexOf('=');
    if (cut <= 0) continue;
    const append = word[cut - 1] === '+';
    const name = textOf(word.slice(0, append ? cut - 1 : cut));
    const value = word.slice(cut + 1);
    if (!/^\w+$/.test(name)) continue;
    const before = append ? (call.state.vars.get(name) ?? reader.initial(name)) : [''];
    call.state.set(
      name,
      before.map((text) => text + value),
    );
    if (call.name === 'export' || options.has('x')) {
      reader.variable(name, value, call);
      if (name === 'PATH' && !isUnknown(value) && !/\/bin/.test(value))
        reader.opaque('hidden', 'environment', `PATH=${value}`);
    }
  }
  return NOTHING;
}

function unset(call: Call): Output {
  for (const name of call.args) {
    call.state.set(textOf(name), ['']);
    if (!call.args.includes('-v')) call.state.functions.delete(textOf(name));
  }
  return NOTHING;
}

function set(call: Call): Output {
  const at = call.args.findIndex((word) => word === '--' || !/^[-+]/.test(word));
  if (at < 0) return NOTHING;
  const o = call.args[at - 1];
  if (o !== undefined && /^[-+]\w*o$/.test(o)) return NOTHING;
  call.state.positional = call.args.slice(call.args[at] === '--' ? at + 1 : at);
  return NOTHING;
}

function shift(call: Call): Output {
  const by = call.args[0] ?? '1';
  call.state.positional = /^\d+$/.test(by)
    ? call.state.positional.slice(Number(by))
    : call.state.positional.map(() => UNKNOWN);
  return NOTHING;
}

function read(call: Call): Output {
  const options = new Options(call.args, 'd n N p t u i a');
  const names = options.operands.map(textOf).filter((name) => /^\w+$/.test(name));
  const array = options.values('a')[0];
  const lines = call.stdin?.lines;
  if (array !== undefined) {
    call.state.arrays.set(
      textOf(array),
      lines?.flatMap((l) => l.split(/\s+/).filter(Boolean)) ?? [UNKNOWN],
    );
    call.state.vars.delete(textOf(array));
  }
  if (!names.length && array === undefined) names.push('REPLY');
  const ifs = call.assignments.get('IFS');
  names.forEach((name, index) => {
    if (!lines) call.state.set(name, [UNKNOWN]);
    else if (names.length === 1) call.state.set(name, lines.length ? [...lines] : ['']);
    else if (ifs !== undefined && ifs !== '') call.state.set(name, [UNKNOWN]);
    else {
      const rows = lines.map((line) => line.trim().split(/\s+/));
      call.state.set(
        name,
        rows.map((row) =>
          index === names.length - 1 ? row.slice(index).join(' ') : (row[index] ?? ''),
        ),
      );
    }
  });
  return NOTHING;
}

function mapfile(call: Call): Output {
  const { operands, has } = bound(new Options(call.args, 'd n O s t u C c'));
  const name = textOf(operands[0] ?? 'MAPFILE');
  call.state.vars.delete(name);
  call.state.arrays.set(name, has('C') ? [UNKNOWN] : [...(call.stdin?.lines ?? [UNKNOWN])]);
  return NOTHING;
}

function bound(options: Options): { operands: Pattern[]; has: Options['has'] } {
  return { operands: options.operands, has: options.has.bind(options) };
}

function getopts(call: Call): Output {
  call.state.set(textOf(call.args[1] ?? '_'), ['?']);
  call.state.set('OPTARG', [UNKNOWN]);
  return NOTHING;
}

function evaluate(call: Call, reader: Reader): Output | undefined {
  const words = call.args[0] === '--' ? call.args.slice(1) : call.args;
  if (!words.length) return NOTHING;
  const text = words.join(' ');
  // Programs that print the settings of a shell for it to take over.
  if (words.length === 1 && text === UNKNOWN) {
    reader.opaque('hidden', 'eval', call.words.join(' '));
    return undefined;
  }
  return reader.script(text, { ...call, stdin: call.stdin }, 'eval', { inside: true });
}

function trap(call: Call, reader: Reader): Output {
  const { operands } = new Options(call.args);
  const text = operands[0];
  if (text !== undefined && text !== '' && operands.length > 1) reader.script(text, call, 'trap');
  return NOTHING;
}

function alias(call: Call): Output {
  for (const word of call.args) {
    const cut = word.indexOf('=');
    if (cut > 0) call.state.aliases.set(textOf(word.slice(0, cut)), word.slice(cut + 1));
  }
  return NOTHING;
}

function unalias(call: Call): Output {
  for (const word of call.args) call.state.aliases.delete(textOf(word));
  if (call.args.includes('-a')) call.state.aliases.clear();
  return NOTHING;
}

function source(call: Call, reader: Reader): Output | undefined {
  const words = call.args[0] === '--' ? call.args.slice(1) : call.args;
  const file = words[0];
  if (file === undefined) return NOTHING;
  if (/^\/dev\/(stdin|fd\/)/.test(file)) {
    if (call.stdin?.exact && file === '/dev/stdin')
      return reader.script(call.stdin.lines.join('\n'), call, 'source', { inside: true });
    reader.opaque('hidden', 'sourced', call.words.join(' '));
  } else reader.runFile(call, file, 'sourced');
  return undefined;
}

function exit(call: Call): Output {
  // With anything that may make it fail it goes on.
  if (call.args.length < 2 && call.args.every((arg) => /^(\d+|\*)$/.test(arg)) && !call.redirected)
    call.state.dead = true;
  return NOTHING;
}

function returned(call: Call, reader: Reader): Output {
  return reader.calls > 0 ? exit(call) : NOTHING;
}

function command(call: Call, reader: Reader): Output | undefined {
  const options = new Options(call.args, '', true);
  if (options.has('v', 'V')) return which(options.operands);
  return reader.invoke(options.operands, call, 'command');
}

function exec(call: Call, reader: Reader): Output | undefined {
  const { operands } = new Options(call.args, 'a', true);
  return operands.length ? reader.invoke(operands, call, 'exec') : NOTHING;
}

function hash(call: Call, reader: Reader): Output {
  const options = new Options(call.args, 'p');
  const path = options.values('p')[0];
  for (const name of options.operands)
    if (path !== undefined) call.state.aliases.set(textOf(name), `\\${path}`);
  if (path !== undefined && !isLiteral(path)) reader.opaque('hidden', 'eval', call.words.join(' '));
  return NOTHING;
}

function loads(call: Call, reader: Reader): Output {
  if (call.args.some((arg) => /^-(f|x|C|n)/.test(arg)))
    reader.opaque('hidden', 'loadedCode', call.words.join(' '));
  return NOTHING;
}

/** The program's own name is what it prints, for what is done with it. */
function which(words: readonly Pattern[]): Output {
  return prints(...words.filter((word) => !word.startsWith('-')));
}

function echo(call: Call): Output {
  let words = [...call.args];
  let escapes = false;
  while (/^-[neE]+$/.test(words[0] ?? '')) {
    escapes ||= words[0]!.includes('e');
    words = words.slice(1);
  }
  const text = words.join(' ');
  return prints(...(escapes ? unescaped(text) : text).split('\n'));
}

function printf(call: Call): Output | undefined {
  let words = [...call.args];
  if (words[0] === '-v') {
    const output = printf({ ...call, args: words.slice(2) });
    call.state.set(textOf(words[1] ?? '_'), [output?.lines.join('\n') ?? UNKNOWN]);
    return NOTHING;
  }
  if (words[0] === '--') words = words.slice(1);
  const [format, ...args] = words;
  if (format === undefined || isUnknown(format) || isGlob(format)) return undefined;
  const source = textOf(format);
  let text = '';
  let at = 0;
  do {
    const before = at;
    text += unescaped(escaped(source)).replace(
      /%%|%([-+ #0]*)(\d*)(\.\d+)?([a-zA-Z])/g,
      (all, _flags, width: string, precision: string | undefined, type: string) => {
        if (all === '%%') return '%';
        const arg = args[at++] ?? '';
        if (type === 's' && !width && !precision) return arg;
        if (type === 'b') return unescaped(arg);
        if (type === 'd' && /^\d+$/.test(arg)) return arg;
        if (type === 'c') return arg.slice(0, 1);
        return UNKNOWN;
      },
    );
    if (at === before || text.length > 65_536) break;
  } while (at < args.length);
  const exact = text.length <= 65_536;
  const lines = text.split('\n');
  return exact ? { lines, exact } : printsSome(UNKNOWN);
}

/** Backslash escapes of `echo -e` and `printf`. */
function unescaped(text: Pattern): Pattern {
  if (!text.includes('\\')) return text;
  // In a pattern a backslash is doubled.
  return text.replace(
    /\\\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|0?([0-7]{1,3})|\\\\|([nrtabefv]))|\\[\s\S]/g,
    (all, hex?: string, unicode?: string, octal?: string, letter?: string) => {
      const code = hex ?? unicode;
      if (code !== undefined) return char(Number.parseInt(code, 16));
      if (octal !== undefined) return char(Number.parseInt(octal, 8) % 256);
      if (letter !== undefined) return LETTERS[letter] ?? '';
      return all;
    },
  );
}

const LETTERS: Record<string, string> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  v: '\v',
};

function char(code: number): Pattern {
  return code === 0 ? '\n' : escaped(String.fromCharCode(code));
}
