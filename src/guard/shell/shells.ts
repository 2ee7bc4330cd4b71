/** Shells and interpreters: what they run is read as well where it can be, and said to be hidden elsewhere. */
import type { Call, Effect, Sink } from './call.ts';
import {
  awkWrites,
  isImportCheck,
  isPlainNode,
  isPlainPerl,
  isPlainPython,
  isTameNode,
  isTamePython,
  sedActs,
  textsIn,
} from './code.ts';
import { type CodeFiles, nodeFiles, pythonFiles } from './codeFiles.ts';
import { hostOf } from './hosts.ts';
import { Options } from './options.ts';
import { escaped, isUnknown, type Pattern, textOf } from './pattern.ts';
import type { Output } from './state.ts';
import { shellOfStdin } from './wrappers.ts';

function shell(call: Call, sink: Sink): Output | undefined {
  // `+o x` are options as well.
  let args = call.args;
  const options = new Options(args, 'o O rcfile init-file', true);
  for (const file of options.values('rcfile', 'init-file')) sink.runFile(call, file, 'sourced');
  args = options.operands;
  while (/^\+\w/.test(args[0] ?? '')) args = args.slice(/o$/i.test(args[0]!) ? 2 : 1);
  if (args[0]?.startsWith('-'))
    return shell({ ...call, args: [...(options.has('c') ? ['-c'] : []), ...args] }, sink);
  const [first, ...rest] = args;
  if (options.has('c')) {
    if (first === undefined) return undefined;
    return sink.script(first, call, `${call.name} -c`, { positional: rest.slice(1) });
  }
  if (first === undefined || options.has('s') || first === '-' || first === '/dev/stdin') {
    // Without input it is a prompt.
    if (first === undefined && !call.stdin && !call.redirected) return undefined;
    return shellOfStdin(call, sink, options.has('s') ? args : rest);
  }
  sink.runFile(call, first, 'script');
  return undefined;
}

function otherShell(call: Call, sink: Sink): undefined {
  sink.opaque('hidden', 'otherShell', call.words.join(' '));
  for (const word of call.args) if (!isUnknown(word)) sink.use(call, word, call.name);
}

interface Language {
  /** Options with code. */
  code: string[];
  valued: string;
  /** Options with a file or module that is loaded. */
  loads?: string[];
  plain?: (code: string) => boolean;
  files?: (code: string) => CodeFiles;
  tame?: (code: string) => boolean;
  /** Options that need no code: `--version`. */
  harmless?: RegExp;
}

function interpreter({ code, valued, loads = [], harmless, ...reader }: Language): Effect {
  return (call, sink) => {
    const options = new Options(call.args, valued, true);
    for (const file of options.values(...loads)) sink.opaque('file', 'script', file);
    const texts = options.values(...code);
    if (texts.length) {
      for (const text of texts) run(text, call, sink, reader);
      for (const word of options.operands) if (!isUnknown(word)) sink.use(call, word, call.name);
      return undefined;
    }
    if (harmless && call.args.some((word) => harmless.test(word)))
      return { lines: ['*'], exact: false };
    return fileOrInput(options.operands, call, sink, reader);
  };
}

function fileOrInput(
  operands: readonly Pattern[],
  call: Call,
  sink: Sink,
  reader: CodeReader,
): undefined {
  const [file, ...rest] = operands;
  if (file === undefined || file === '-' || file === '/dev/stdin') {
    if (call.stdin?.exact) run(call.stdin.lines.join('\n'), call, sink, reader);
    else if (call.stdin || call.redirected || file !== undefined)
      sink.opaque('hidden', 'interpreter', call.words.join(' '));
    return;
  }
  sink.runFile(call, file, 'script');
  for (const word of rest)
    if (!isUnknown(word) && !word.startsWith('-')) sink.use(call, word, call.name);
}

type CodeReader = Pick<Language, 'plain' | 'files' | 'tame'>;

/** Longer code is not read, characters. */
const MAX_CODE = 20_000;

function run(text: Pattern, call: Call, sink: Sink, { plain, files, tame }: CodeReader): void {
  const code = textOf(text);
  if (isUnknown(text) || plain === undefined || code.length > MAX_CODE) {
    sink.opaque('hidden', 'interpreter', `${call.name}: ${text}`);
    return;
  }
  const named = files?.(code);
  for (const path of named?.reads ?? []) sink.read(call, escaped(path), call.name);
  for (const path of named?.runs ?? []) sink.runFile(call, escaped(path), 'script');
  for (const url of named?.urls ?? []) sink.host(hostOf(escaped(url)), call.name);
  for (const path of named?.writes ?? []) sink.write(call, escaped(path), call.name);
  if (plain(named?.rest ?? code)) return;
  if (plain === isPlainPython && isImportCheck(code))
    sink.opaque('file', 'script', `${call.name}: ${text}`);
  else if (tame?.(named?.rest ?? code) === true) {
    // A name that stands in it may be a file's.
    for (const each of textsIn(code)) sink.use(call, escaped(each), call.name);
    sink.opaque('hidden', 'code', `${call.name}: ${text}`);
  } else sink.opaque('hidden', 'interpreter', `${call.name}: ${text}`);
}

function python(call: Call, sink: Sink): Output | undefined {
  const options = new Options(call.args, 'c m W X Q', true);
  const [module] = options.values('m');
  if (module !== undefined && !options.values('c').length) {
    const at = call.args.findIndex((word) => /^-\w*m$/.test(word) || /^-m./.test(word));
    const rest = call.args.slice(
      at + (call.args[at]?.endsWith('m') && call.args[at] !== `-m${module}` ? 2 : 1),
    );
    if (module === 'json.tool') {
      const { operands } = new Options(rest, 'indent');
      if (operands[0] !== undefined) sink.read(call, operands[0], 'python -m json.tool');
      if (operands[1] !== undefined) sink.write(call, operands[1], 'python -m json.tool');
    } else if (/^(timeit|pdb|cProfile|profile|trace|runpy)$/.test(module)) {
      sink.opaque('hidden', 'interpreter', call.words.join(' '));
    } else if (
      /^(pip|pytest|mypy|black|ruff|isort|flake8|tox|nox|coverage|build|twine|poetry)$/.test(module)
    )
      return sink.invoke([module, ...rest], call, 'python -m');
    else {
      sink.opaque('file', 'script', call.words.join(' '));
      for (const word of rest)
        if (!isUnknown(word) && !word.startsWith('-')) sink.use(call, word, `python -m ${module}`);
    }
    return undefined;
  }
  return interpreter({
    code: ['c'],
    valued: 'c m W X Q',
    plain: isPlainPython,
    files: pythonFiles,
    tame: isTamePython,
    harmless: /^(-V|--version|-h|--help)$/,
  })(call, sink);
}

const NODE_VALUED =
  'e p r eval print require import loader experimental-loader conditions C env-file test-name-pattern test-reporter input-type';

const NODE: CodeReader = { plain: isPlainNode, files: nodeFiles, tame: isTameNode };

const node = interpreter({
  code: ['e', 'p', 'eval', 'print', 'pe'],
  valued: NODE_VALUED,
  loads: ['r', 'require', 'import', 'loader', 'experimental-loader'],
  ...NODE,
  harmless: /^(-v|--version|-h|--help|--test|--check|-c)$/,
});

function nodeOrTests(call: Call, sink: Sink): Output | undefined {
  // `-pe` and the like: the code is what follows.
  const at = call.args.findIndex(
    (word) => /^-[a-z]*[ep][a-z]*$/.test(word) && word.length > 2 && !/^-[rc]/.test(word),
  );
  if (at >= 0 && call.args[at + 1] !== undefined) {
    run(call.args[at + 1]!, call, sink, NODE);
    return undefined;
  }
  for (const word of call.args)
    if (/^--(import|require|loader)=data:/.test(word))
      sink.opaque('hidden', 'interpreter', call.words.join(' '));
  if (call.args.includes('--test')) sink.opaque('file', 'script', call.words.join(' '));
  return node(call, sink);
}

function perl(call: Call, sink: Sink): Output | undefined {
  const { args } = call;
  const codes: Pattern[] = [];
  const operands: Pattern[] = [];
  let inPlace = false;
  let loads = false;
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at]!;
    if (word === '--') {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    // Letters in a row; the last may be -e or -i with a suffix.
    for (let letter = 1; letter < word.length; letter++) {
      const name = word[letter]!;
      if (name === 'e' || name === 'E') {
        codes.push(word.slice(letter + 1) || (args[++at] ?? ''));
        break;
      }
      if (name === 'i') {
        inPlace = true;
        break;
      }
      if (name === 'M' || name === 'm' || name === 'I' || name === 'd') {
        loads = true;
        break;
      }
      if ('FCDx'.includes(name)) break;
    }
  }
  if (loads) sink.opaque('hidden', 'interpreter', call.words.join(' '));
  if (!codes.length) {
    if (args.some((word) => /^(-v|--version|-V.*)$/.test(word))) return undefined;
    return fileOrInput(operands, call, sink, {});
  }
  for (const code of codes) run(code, call, sink, { plain: isPlainPerl });
  for (const file of operands) {
    sink.read(call, file, 'perl');
    if (inPlace) sink.write(call, file, 'perl -i');
  }
  return undefined;
}

function awk(call: Call, sink: Sink): Output | undefined {
  const options = new Options(
    call.args,
    'f F v i e E file field-separator assign include source',
    true,
  );
  const files = options.values('f', 'file', 'E');
  for (const file of files) sink.runFile(call, file, 'script');
  const includes = options.values('i', 'include');
  let operands = options.operands;
  const codes = options.values('e', 'source');
  if (!files.length && !codes.length) {
    codes.push(operands[0] ?? '');
    operands = operands.slice(1);
  }
  for (const code of codes) {
    const writes = isUnknown(code) ? undefined : awkWrites(textOf(code));
    if (!writes) sink.opaque('hidden', 'interpreter', `${call.name}: ${code}`);
    for (const file of writes ?? []) sink.write(call, escaped(file), 'awk');
  }
  for (const file of operands) {
    if (/^\w+=/.test(file)) continue;
    sink.read(call, file, call.name);
    if (includes.includes('inplace')) sink.write(call, file, 'awk -i inplace');
  }
  return undefined;
}

function sed(call: Call, sink: Sink): Output | undefined {
  // GNU's -i may have a suffix glued to it; the other one's is a word of its own, which is no file then.
  const options = new Options(call.args, 'e f l expression file line-length');
  const codes = options.values('e', 'expression');
  const files = options.values('f', 'file');
  let operands = options.operands;
  const inPlace = call.args.some(
    (word) => /^-[nErsuz]*i/.test(word) || /^--in-pl?a?c?e?/.test(word),
  );
  if (call.args.includes('-i') && operands[0] === '') operands = operands.slice(1);
  if (!codes.length && !files.length) {
    codes.push(operands[0] ?? '');
    operands = operands.slice(1);
  }
  for (const file of files) sink.runFile(call, file, 'script');
  for (const code of codes) {
    // What is not known may be a file's name or a command.
    const acts = isUnknown(code) ? undefined : sedActs(textOf(code));
    if (!acts && !isPlainReplacement(code)) sink.opaque('hidden', 'interpreter', `sed: ${code}`);
    for (const file of acts?.writes ?? []) sink.write(call, escaped(file), 'sed w');
    for (const file of acts?.reads ?? []) sink.read(call, escaped(file), 'sed r');
  }
  for (const file of operands) {
    sink.read(call, file, 'sed');
    if (inPlace) sink.write(call, file, 'sed -i');
  }
  return undefined;
}

/** `s/x/$VALUE/`: a value that is not known inside a plain replacement. */
function isPlainReplacement(code: Pattern): boolean {
  const mark = code[1];
  const flags = code.lastIndexOf(mark ?? '');
  return (
    isUnknown(code) && /^s[^\w\s]/.test(code) && flags > 2 && /^[gI]*$/.test(code.slice(flags + 1))
  );
}

/** Editors that take commands. */
function editor(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'c S u cmd eval batch script load l f');
  const scripted =
    options.values('c', 'S', 'cmd', 'eval', 'script', 'load', 'l').length > 0 ||
    call.args.some((word) => /^(\+.+|-es?|-s|--eval.*|--batch|-batch|--script.*)$/.test(word));
  if (scripted || call.stdin || call.redirected || /^(ed|ex|red)$/.test(call.name))
    sink.opaque('hidden', 'interpreter', call.words.join(' '));
  for (const file of options.operands) {
    if (file.startsWith('+')) continue;
    sink.read(call, file, call.name);
    sink.write(call, file, call.name);
  }
}

/** Programs with a language of their own that can run others. */
function scripted(pattern: RegExp): Effect {
  return (call, sink) => {
    const texts = [...call.args, ...(call.stdin?.lines ?? [])].map(textOf);
    if (texts.some((text) => pattern.test(text)))
      sink.opaque('hidden', 'interpreter', call.words.join(' '));
    for (const word of call.args)
      if (!isUnknown(word) && !word.startsWith('-')) sink.use(call, word, call.name);
    return undefined;
  };
}

function deno(call: Call, sink: Sink): undefined {
  const [command, ...rest] = call.args;
  if (command === 'eval' || command === 'repl')
    sink.opaque('hidden', 'interpreter', call.words.join(' '));
  else if (command === 'run') {
    const file = new Options(rest, 'c').operands[0];
    if (file !== undefined) sink.runFile(call, file, 'script');
  } else if (command !== '--version') sink.opaque('file', 'task', call.words.join(' '));
}

export const shells: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ...['sh', 'bash', 'dash', 'zsh', 'ksh', 'ash', 'mksh', 'rbash', 'yash'].map(
    (name): [string, Effect] => [name, shell],
  ),
  ...[
    'fish',
    'csh',
    'tcsh',
    'nu',
    'xonsh',
    'elvish',
    'pwsh',
    'powershell',
    'cmd',
    'wsl',
    'osascript',
    'rc',
    'es',
  ].map((name): [string, Effect] => [name, otherShell]),
  ...['python', 'pypy', 'py', 'ipython', 'python2', 'python3', 'pythonw'].map(
    (name): [string, Effect] => [name, python],
  ),
  ...['node', 'nodejs', 'tsx', 'ts-node'].map((name): [string, Effect] => [name, nodeOrTests]),
  ['deno', deno],
  ['perl', perl],
  [
    'ruby',
    interpreter({ code: ['e'], valued: 'e r I C', loads: ['r'], harmless: /^(-v|--version)$/ }),
  ],
  // Code of a tool that does not say in which language.
  ['interpreter', interpreter({ code: ['c'], valued: 'c' })],
  ['irb', interpreter({ code: ['e'], valued: 'e r' })],
  [
    'php',
    interpreter({
      code: ['r', 'B', 'E', 'R'],
      valued: 'r B E R d c f t S',
      harmless: /^(-v|--version|-m|-i|-l)$/,
    }),
  ],
  ['lua', interpreter({ code: ['e'], valued: 'e l', harmless: /^-v$/ })],
  ['luajit', interpreter({ code: ['e'], valued: 'e l' })],
  ['rscript', interpreter({ code: ['e'], valued: 'e' })],
  ['julia', interpreter({ code: ['e', 'E', 'eval', 'print'], valued: 'e E eval print' })],
  ['groovy', interpreter({ code: ['e'], valued: 'e' })],
  ['scala', interpreter({ code: ['e'], valued: 'e' })],
  ['elixir', interpreter({ code: ['e', 'eval'], valued: 'e eval', harmless: /^--version$/ })],
  ['erl', interpreter({ code: ['eval', 's', 'run'], valued: 'eval s run' })],
  ['tclsh', interpreter({ code: [], valued: '' })],
  ['wish', interpreter({ code: [], valued: '' })],
  ['expect', interpreter({ code: ['c'], valued: 'c' })],
  ['guile', interpreter({ code: ['c'], valued: 'c' })],
  ['jshell', interpreter({ code: [], valued: '' })],
  ['bc', () => undefined],
  ['dc', scripted(/!/)],
  ...['awk', 'gawk', 'mawk', 'nawk'].map((name): [string, Effect] => [name, awk]),
  ['sed', sed],
  ['gsed', sed],
  ...['vim', 'vi', 'nvim', 'view', 'ex', 'ed', 'red', 'emacs', 'nano', 'pico', 'emacsclient'].map(
    (name): [string, Effect] => [name, editor],
  ),
  [
    'sqlite',
    scripted(
      /\.(shell|system|output|once|import|backup|save|clone|excel|log|read|load)\b|\bwritefile\b|\bedit\(|load_extension|attach/i,
    ),
  ],
  [
    'sqlite3',
    scripted(
      /\.(shell|system|output|once|import|backup|save|clone|excel|log|read|load)\b|\bwritefile\b|\bedit\(|load_extension|attach/i,
    ),
  ],
  ['psql', scripted(/\\!|\\o|\\copy|\\w|\bcopy\b.*\b(program|to)\b|\blo_export\b/i)],
  ['mysql', scripted(/\\!|\bsystem\b|outfile|dumpfile|\\T/i)],
  ['gdb', scripted(/^(-ex|-eval-command|--eval-command.*|-x|--command.*|--batch|--args)$/)],
  ['lldb', scripted(/^(-o|-O|-s|--one-line.*|--batch)$/)],
  ['m4', scripted(/syscmd|esyscmd/)],
  ['gnuplot', scripted(/./)],
  ['octave', scripted(/^--?eval/)],
  ['lftp', scripted(/!/)],
  ['jrunscript', scripted(/./)],
  ['dotnet-script', scripted(/./)],
]);
