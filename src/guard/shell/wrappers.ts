/** Programs that run another one: `sudo`, `env`, `xargs`, `timeout` … */
import { type Call, type Effect, inFolders, type Sink } from './call.ts';
import { fd, filled, find } from './finders.ts';
import { hostOf } from './hosts.ts';
import { Options } from './options.ts';
import { baseName, lexical } from './paths.ts';
import { isGlob, isUnknown, type Pattern, UNKNOWN } from './pattern.ts';
import type { Output } from './state.ts';

interface Shape {
  /** Options that take a value. */
  valued?: string;
  /** Words before the command, after the options. */
  skip?: number;
  /** `NAME=value` words may come before the command. */
  assignments?: boolean;
}

/** A program that runs the rest of its words as a command. */
function wrapper({ valued = '', skip = 0, assignments = false }: Shape): Effect {
  return (call, sink) => {
    let rest: readonly Pattern[] = new Options(call.args, valued, true).operands.slice(skip);
    const set = new Map(call.assignments);
    if (assignments)
      for (let match = assignment(rest[0]); match; match = assignment(rest[0])) {
        set.set(match[0], match[1]);
        rest = rest.slice(1);
      }
    if (!rest.length) return undefined;
    return sink.invoke(rest, { ...call, assignments: set }, call.name);
  };
}

function assignment(word: Pattern | undefined): [string, Pattern] | undefined {
  const cut = word?.indexOf('=') ?? -1;
  return word !== undefined && cut > 0 && /^\w+$/.test(word.slice(0, cut))
    ? [word.slice(0, cut), word.slice(cut + 1)]
    : undefined;
}

function sudo(call: Call, sink: Sink): Output | undefined {
  const options = new Options(
    call.args,
    'u g h p C D R T U r t user group host prompt close-from chdir chroot command-timeout other-user role type',
    true,
  );
  if (options.has('e', 'edit')) {
    for (const file of options.operands) sink.write(call, file, 'sudo -e');
    return undefined;
  }
  const at = options.values('D', 'chdir')[0];
  const inside = at === undefined ? call : inFolders(call, foldersOf(call, at));
  if (options.has('s', 'i', 'shell', 'login') && options.operands.length)
    return sink.script(options.operands.join(' '), inside, 'sudo');
  if (!options.operands.length && options.has('s', 'i', 'shell', 'login'))
    return shellOfStdin(inside, sink);
  return wrapper({ assignments: true })({ ...inside, args: ['--', ...options.operands] }, sink);
}

/** The folders that a relative one may be. */
export function foldersOf(call: Call, folder: Pattern): Pattern[] {
  const { cwds } = call.state;
  const all = (cwds.length ? cwds : [undefined]).map((cwd) => lexical(folder, cwd));
  return all.some((path) => path === undefined) ? [] : (all as Pattern[]);
}

/** A shell that reads its commands from its input. */
export function shellOfStdin(
  call: Call,
  sink: Sink,
  positional?: readonly Pattern[],
): Output | undefined {
  const { stdin } = call;
  if (stdin?.exact && !stdin.lines.some(isUnknown))
    return sink.script(
      stdin.lines.join('\n'),
      { ...call, stdin: undefined },
      `${call.name} <stdin`,
      {
        ...(positional && { positional }),
      },
    );
  if (stdin) {
    for (const line of stdin.lines)
      if (line !== UNKNOWN) sink.script(line, { ...call, stdin: undefined }, `${call.name} <stdin`);
  }
  sink.opaque('hidden', 'pipedToShell', call.words.join(' '));
  return undefined;
}

function env(call: Call, sink: Sink): Output | undefined {
  const options = new Options(call.args, 'u C S a unset chdir split-string argv0', true);
  const at = options.values('C', 'chdir')[0];
  const inside = at === undefined ? call : inFolders(call, foldersOf(call, at));
  const split = options.values('S', 'split-string');
  if (split.length) {
    // It splits much as a shell does.
    return sink.script([...split, ...options.operands].join(' '), inside, 'env');
  }
  const rest = ['--', ...options.operands];
  const program = baseName(options.operands.find((word) => !word.includes('=')) ?? '');
  // What is taken away is set to nothing; a shell puts HOME back.
  if (!options.has('u', 'unset', 'i', 'ignore-environment') || !AGENTS.test(program))
    return wrapper({ assignments: true })({ ...inside, args: rest }, sink);
  const assignments = new Map(inside.assignments).set('HOME', '');
  return wrapper({ assignments: true })({ ...inside, args: rest, assignments }, sink);
}

/** Agents, which look for their settings below HOME. */
const AGENTS = /^(claude|codex|gemini|copilot|opencode|cursor-agent)/;

function su(call: Call, sink: Sink): Output | undefined {
  const options = new Options(call.args, 'c s g G w command session-command shell group');
  let output: Output | undefined;
  const commands = options.values('c', 'command', 'session-command');
  for (const text of commands) output = sink.script(text, call, call.name);
  if (!commands.length) {
    const rest = options.operands;
    if (call.name === 'runuser' && rest.length && options.has('u'))
      return sink.invoke(rest, call, 'runuser');
    return shellOfStdin(call, sink);
  }
  return output;
}

function xargs(call: Call, sink: Sink): Output | undefined {
  const options = new Options(
    call.args,
    'a d E I i J L l n P R S s arg-file delimiter replace max-lines max-args max-procs max-chars process-slot-var',
    true,
  );
  const command = options.operands.length ? options.operands : ['echo'];
  const file = options.values('a', 'arg-file')[0];
  if (file !== undefined) sink.read(call, file, 'xargs');
  const mark =
    options.values('I', 'J', 'replace')[0] ?? (options.has('i', 'replace') ? '{}' : undefined);
  const split = mark === undefined && !options.has('0', 'd', 'null', 'delimiter', 'L');
  const lines = file === undefined ? call.stdin?.lines : undefined;
  const words = lines?.flatMap((line) => (split ? splitQuoted(line) : [line])) ?? [UNKNOWN];
  sink.spend(words.length / 8);
  return sink.invoke(filled(command, words, mark), { ...call, stdin: undefined }, 'xargs');
}

/** As xargs splits its input: quotes and backslashes, but nothing else. */
function splitQuoted(line: Pattern): Pattern[] {
  const out: Pattern[] = [];
  for (const match of line.matchAll(/(?:\\\\|'[^']*'|"[^"]*"|[^\s'"])+/g))
    out.push(match[0].replace(/'([^']*)'|"([^"]*)"|\\\\(.)?/g, (_, a, b, c) => a ?? b ?? c ?? ''));
  return out;
}

function parallel(call: Call, sink: Sink): Output | undefined {
  const options = new Options(
    call.args,
    'j jobs a arg-file colsep C delay joblog I timeout retries S sshlogin N n L tmpdir results workdir',
    true,
  );
  const at = options.operands.findIndex((word) => word.startsWith(':::'));
  const command = at < 0 ? options.operands : options.operands.slice(0, at);
  const values =
    at < 0
      ? (call.stdin?.lines ?? [UNKNOWN])
      : options.operands.slice(at + 1).filter((word) => !word.startsWith(':::'));
  let output: Output | undefined;
  const text = command.join(' ');
  for (const value of values.slice(0, 64)) {
    // The whole line is given to a shell.
    const line =
      text === ''
        ? value
        : /\{[^}]*\}/.test(text)
          ? text.replace(/\{[^}]*\}/g, () => value)
          : `${text} ${value}`;
    output = sink.script(line, call, 'parallel');
  }
  if (values.length > 64) sink.opaque('hidden', 'tooLong', text);
  return output;
}

/** The words joined are a text for a shell, as for `watch`. */
function joinedScript(valued: string, skip = 0): Effect {
  return (call, sink) => {
    const { operands } = new Options(call.args, valued, true);
    const rest = operands.slice(skip);
    return rest.length ? sink.script(rest.join(' '), call, call.name) : undefined;
  };
}

/** Every operand is a text for a shell, as for `hyperfine`. */
function eachScript(valued: string): Effect {
  return (call, sink) => {
    const options = new Options(call.args, valued);
    for (const text of options.operands) sink.script(text, call, call.name);
    return undefined;
  };
}

/** A text in an option is run by a shell, as `script -c`. */
function optionScript(valued: string, ...names: string[]): Effect {
  return (call, sink) => {
    const options = new Options(call.args, valued);
    for (const text of options.values(...names)) sink.script(text, call, call.name);
    for (const file of options.operands) sink.write(call, file, call.name);
    return undefined;
  };
}

/** Runners of a language's packages: `npx x`, `uv run x`. */
function runner(subcommands: string, valued: string): Effect {
  const known = new Set(subcommands.split(' '));
  return (call, sink) => {
    const options = new Options(call.args, valued, true);
    const [first, ...rest] = options.operands;
    if (first === undefined) return undefined;
    if (known.has(first)) {
      const inner = new Options(rest, valued, true);
      const texts = inner.values('c', 'call');
      for (const text of texts) sink.script(text, call, call.name);
      if (inner.operands.length && !texts.length)
        return sink.invoke(inner.operands, call, `${call.name} ${first}`);
    }
    return undefined;
  };
}

export function packageRunner(call: Call, sink: Sink): Output | undefined {
  const options = new Options(call.args, 'p c package call w workspace with from python', true);
  for (const text of options.values('c', 'call')) sink.script(text, call, call.name);
  const [first, ...rest] = options.operands;
  if (first === undefined) return undefined;
  const host = hostOf(first.replace(/^git\+/, ''));
  if (host !== undefined) sink.host(host, call.name);
  // A version after the name.
  const name = first.replace(/(.)@[^/]*$/, '$1');
  if (!isGlob(first) && !isUnknown(first)) sink.opaque('file', 'task', call.words.join(' '));
  return sink.invoke([name, ...rest], call, call.name);
}

/** The command is after `--`, or is what is left after these options. */
const TIMEOUT = wrapper({ valued: 's k signal kill-after', skip: 1 });

const SHAPES: Record<string, Shape> = {
  doas: { valued: 'u C', assignments: true },
  nice: { valued: 'n adjustment' },
  ionize: {},
  ionice: { valued: 'c n p t class classdata pid' },
  nohup: {},
  setsid: {},
  stdbuf: { valued: 'i o e input output error' },
  unbuffer: {},
  time: { valued: 'f o format output' },
  chroot: { skip: 1 },
  unshare: { valued: 'S G R w' },
  nsenter: { valued: 't S G target' },
  strace: { valued: 'e o p s u a b E I O P S X trace output attach' },
  ltrace: { valued: 'e o p s u' },
  valgrind: {},
  taskset: { valued: '', skip: 1 },
  chrt: { valued: 'T P D', skip: 1 },
  busybox: {},
  toybox: {},
  caffeinate: { valued: 't w' },
  arch: {},
  fakeroot: {},
  firejail: {},
  'dbus-run-session': {},
  'xvfb-run': { valued: 'e f n p s w' },
  gosu: { skip: 1 },
  'su-exec': { skip: 1 },
  setpriv: {},
  prlimit: {},
  numactl: {},
  'systemd-run': { valued: 'p u unit property' },
  'cross-env': { assignments: true },
  'cross-env-shell': { assignments: true },
  dotenv: { valued: 'e c v p f file' },
  dotenvx: { valued: 'f' },
  shx: {},
  winpty: {},
  proxychains: {},
  torify: {},
  rtk: {},
  exec: {},
  noglob: {},
  nocorrect: {},
  entr: {},
  xvfb: {},
  daemonize: {},
  chronic: {},
  ts: {},
  retry: {},
  c8: {},
  nyc: {},
};

export const wrappers: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ...Object.entries(SHAPES).map(([name, shape]): [string, Effect] => [name, wrapper(shape)]),
  ['sudo', sudo],
  ['timeout', TIMEOUT],
  ['gtimeout', TIMEOUT],
  ['flock', flock],
  ['env', env],
  ['su', su],
  ['runuser', su],
  ['sg', joinedScript('', 1)],
  ['xargs', xargs],
  ['parallel', parallel],
  ['find', find],
  ['gfind', find],
  ['fd', fd],
  ['fdfind', fd],
  ['watch', joinedScript('n interval')],
  [
    'hyperfine',
    eachScript('w r p c s n S warmup runs prepare cleanup setup shell export-json export-markdown'),
  ],
  ['concurrently', eachScript('n c names prefix-colors k')],
  ['script', optionScript('c command', 'c', 'command')],
  [
    'at',
    (call, sink) =>
      new Options(call.args, 'f t q').has('f') ? undefined : shellOfStdin(call, sink),
  ],
  ['batch', shellOfStdin],
  ['uv', runner('run', 'with p python extra group project directory from')],
  ['uvx', packageRunner],
  ['pipx', runner('run', '')],
  ['poetry', runner('run', 'C directory')],
  ['pdm', runner('run', '')],
  ['hatch', runner('run', 'e')],
  ['rye', runner('run', '')],
  ['pipenv', runner('run', '')],
  ['bundle', runner('exec', '')],
  ['mise', runner('exec x', 'C')],
  ['asdf', runner('exec', '')],
  [
    'direnv',
    (call, sink) =>
      call.args[0] === 'exec' ? sink.invoke(call.args.slice(2), call, 'direnv exec') : undefined,
  ],
  ['npx', packageRunner],
  ['bunx', packageRunner],
  ['pnpx', packageRunner],
  ['nix-shell', optionScript('p run command', 'run', 'command')],
  ['tmux', tmux],
  ['man', manual],
  ['screen', wrapper({ valued: 'S c s' })],
  ['xterm', afterOption('-e')],
  ['gnome-terminal', afterOption('--')],
  [
    'perf',
    (call, sink) =>
      sink.invoke(new Options(call.args.slice(1), 'e o', true).operands, call, 'perf'),
  ],
]);

function flock(call: Call, sink: Sink): Output | undefined {
  const options = new Options(call.args, 'w E timeout wait conflict-exit-code', true);
  const [, ...rest] = options.operands;
  if (/^(-c|--command)$/.test(rest[0] ?? '')) return sink.script(rest[1] ?? '', call, 'flock');
  return rest.length ? sink.invoke(rest, call, 'flock') : undefined;
}

function manual(call: Call, sink: Sink): undefined {
  const options = new Options(call.args, 'P H C M pager html');
  for (const text of options.values('P', 'pager', 'H', 'html')) sink.script(text, call, 'man');
}

function afterOption(option: string): Effect {
  return (call, sink) => {
    const at = call.args.indexOf(option);
    if (at >= 0) sink.script(call.args.slice(at + 1).join(' '), call, call.name);
    return undefined;
  };
}

function tmux(call: Call, sink: Sink): Output | undefined {
  const options = new Options(call.args.slice(1), 'c e F n s t x y');
  if (
    /^(new|new-session|neww|new-window|splitw|split-window|run|run-shell|send|send-keys|respawn-pane|if-shell|pipe-pane)$/.test(
      call.args[0] ?? '',
    )
  )
    sink.script(
      options.operands.filter((word) => !/^(Enter|C-m)$/.test(word)).join(' '),
      call,
      'tmux',
    );
  return undefined;
}
