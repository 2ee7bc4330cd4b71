/** Walks through a parsed command as the shell would, taking down what it does. */
import { type Command, type CommandNode, type ParsedScript, parse } from 'unbash';
import { builtins } from './builtins.ts';
import type { ActOptions, Call, Effect, ScriptOptions, Sink } from './call.ts';
import { programOfFile, SETTINGS_VARIABLES } from './knownPrograms.ts';
import { baseName, lexical, resolved } from './paths.ts';
import { isGlob, isUnknown, type Pattern, textOf, UNKNOWN } from './pattern.ts';
import type { FileAct, OpaqueReason, ShellReading, ShellWorld, Via } from './reading.ts';
import { type Output, State } from './state.ts';
import { StatementWalk } from './statements.ts';
import { oneOf, type Runner } from './words.ts';

/** The command is given up. */
export class TooMuch extends Error {}

/** Work that one command may take: about one for every word that is read. */
const BUDGET = 6_000;
/** Text that may be parsed in all, characters. */
const MAX_PARSED = 200_000;
const MAX_DEPTH = 60;
/** Longer lists are no use to anybody. */
const MAX_ACTS = 4000;
/** Folders of programs that are the system's. */
const SYSTEM_FOLDER =
  /^(\/usr|\/usr\/local|\/opt\/homebrew|\/snap|\/home\/linuxbrew\/\.linuxbrew)?\/s?bin\/[^/]*$/;
const SILENT = /^\/dev\/(null|stdin|stdout|stderr|tty|zero|u?random|fd\/[^/]*)$/;
/** Stands in a text for the part that is not known, when the text is parsed. */
const UNKNOWN_VARIABLE = '__not_known__';
/** Variables whose value some program runs as a command. */
const RUN_VARIABLES =
  /^(GIT_(SSH_COMMAND|SSH|PAGER|EDITOR|SEQUENCE_EDITOR|EXTERNAL_DIFF|ASKPASS|PROXY_COMMAND)|PAGER|MANPAGER|EDITOR|VISUAL|FCEDIT|LESSOPEN|LESSCLOSE|PROMPT_COMMAND|SSH_ASKPASS|SUDO_ASKPASS|BROWSER|RSYNC_RSH|TAR_OPTIONS|GIT_CONFIG_VALUE_\d+|MAKE|SHELL)$/;
/** Variables that make some program load code. */
const LOAD_VARIABLES =
  /^(LD_(PRELOAD|AUDIT)|DYLD_INSERT_.*|BASH_ENV|ENV|PYTHONSTARTUP|PYTHONHOME|PERL5OPT|PERL5DB|RUBYOPT|GIT_EXEC_PATH|GIT_TEMPLATE_DIR|GCONV_PATH|SHELLOPTS|BASHOPTS|BASH_FUNC_.*|PS4|GIT_CONFIG(_GLOBAL|_SYSTEM)?|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS)$/;
/** Variables that say where code is looked for: as good as running a file. */
const PATH_VARIABLES = /^(PYTHONPATH|NODE_PATH|PERL5LIB|RUBYLIB|LD_LIBRARY_PATH|DYLD_\w*PATH)$/;

export class Reader implements Sink, Runner {
  readonly reading: ShellReading = {
    programs: [],
    writes: [],
    reads: [],
    uses: [],
    hosts: [],
    opaque: [],
  };
  readonly home: string;
  /** Whether the last `cd` led to a folder that is there. */
  cdSure = true;
  /** Functions that are being called. */
  calls = 0;
  private readonly world: ShellWorld;
  private readonly effects: ReadonlyMap<string, Effect>;
  private readonly statements = new StatementWalk(this);
  private readonly seen = new Set<string>();
  private readonly links = new Map<string, string | undefined>();
  /** Files that the command made out of others: where they are from. */
  private readonly copies = new Map<string, Pattern>();
  private budget = BUDGET;
  private spends = 0;
  private parsed = 0;
  private depth = 0;

  constructor(world: ShellWorld, effects: ReadonlyMap<string, Effect>) {
    this.world = world;
    this.effects = effects;
    this.home = world.home;
  }

  spend(amount: number): void {
    this.budget -= amount;
    if (this.budget < 0) throw new TooMuch();
    if (++this.spends % 64 === 0 && this.world.timeUp?.() === true) throw new TooMuch();
  }

  /** Goes one level down; throws when it is too deep. */
  nested<T>(run: () => T): T {
    if (this.depth >= MAX_DEPTH) throw new TooMuch();
    this.depth++;
    try {
      return run();
    } finally {
      this.depth--;
    }
  }

  initial(name: string): Pattern[] {
    if (name === 'HOME') return [literal(this.world.home)];
    if (name === UNKNOWN_VARIABLE) return [UNKNOWN];
    if (name === 'IFS') return [' \t\n'];
    if (name === 'UID' || name === 'EUID' || name === 'PPID') return ['*'];
    if (name === 'TMPDIR' && !this.world.env) return ['/tmp'];
    if (!this.world.env) return [UNKNOWN];
    const value = Object.hasOwn(this.world.env, name) ? this.world.env[name] : undefined;
    return [literal(value ?? '')];
  }

  gitRoot(call: Call): string | undefined {
    const cwd = oneOf(call.state.cwds);
    return isUnknown(cwd) ? undefined : this.world.gitRoot?.(textOf(cwd));
  }

  isFolder(path: Pattern): boolean {
    return !this.world.isFolder || isGlob(path) || this.world.isFolder(textOf(path));
  }

  // What is done ---------------------------------------------------------------------------------

  write(call: Call, path: Pattern, how: string, options: ActOptions = {}): void {
    for (const act of this.act(this.reading.writes, call, path, how, options))
      if (act.path !== undefined && !options.built)
        this.copies.set(act.path, this.copies.get(act.path) ?? '');
  }

  read(call: Call, path: Pattern, how: string, options: ActOptions = {}): void {
    this.act(this.reading.reads, call, path, how, options);
  }

  use(call: Call, path: Pattern, how: string): void {
    this.act(this.reading.uses, call, path, how, {});
  }

  private act(
    list: FileAct[],
    call: Call,
    path: Pattern,
    how: string,
    { deep = false, keepLast = false }: ActOptions,
  ): FileAct[] {
    this.spend(1);
    const net = /^\/dev\/(?:tcp|udp)\/([^/]*)\//.exec(path);
    if (net) {
      this.host(net[1], 'redirect');
      return [];
    }
    if (SILENT.test(path)) return [];
    const acts: FileAct[] = [];
    const { cwds } = call.state;
    for (const cwd of path.startsWith('/') || !cwds.length ? [cwds[0]] : cwds) {
      const full = resolved(path, cwd, this, keepLast);
      // The link's own name is kept as well: a rule may speak of either.
      const given = resolved(path, cwd, { resolveLink: () => undefined });
      for (const at of full === given ? [full] : [full, given]) {
        if (at !== undefined && SILENT.test(at)) continue;
        const act = { path: at, how, deep };
        acts.push(act);
        const key = `${list === this.reading.writes}${list === this.reading.reads}${how} ${deep} ${at}`;
        if (this.seen.has(key)) continue;
        this.seen.add(key);
        if (list.length >= MAX_ACTS) throw new TooMuch();
        list.push(act);
      }
    }
    return acts;
  }

  /** Where a link leads: one that the command has made, or one of the file system. */
  resolveLink = (path: string): string | undefined => {
    if (this.links.has(path)) return this.links.get(path);
    this.spend(2);
    const target = this.world.resolveLink(path);
    this.links.set(path, target);
    return target;
  };

  linked(call: Call, path: Pattern, target: Pattern, copy: boolean): void {
    for (const cwd of call.state.cwds) {
      const at = resolved(path, cwd, this, true);
      const from = resolved(target, cwd, this);
      if (at === undefined) continue;
      this.copies.set(at, from ?? UNKNOWN);
      if (!copy && from !== undefined) this.links.set(textOf(at), textOf(from));
    }
  }

  host(host: Pattern | undefined, how: string, remote?: string): void {
    const known = host === undefined || isUnknown(host) ? undefined : host.toLowerCase();
    const key = `host ${known} ${how} ${remote}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.reading.hosts.push({ host: known, how, ...(remote !== undefined && { remote }) });
  }

  opaque(kind: 'hidden' | 'file', reason: OpaqueReason, text: string): void {
    const shown = textOf(text).replaceAll(UNKNOWN, '…').slice(0, 200);
    const key = `opaque ${reason} ${shown}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.reading.opaque.push({ kind, reason, text: shown });
  }

  runFile(call: Call, path: Pattern, reason: OpaqueReason): void {
    this.read(call, path, call.name);
    if (isUnknown(path) || isGlob(path) || path.startsWith('/dev/')) {
      this.opaque('hidden', reason, path);
      return;
    }
    const cwds = path.startsWith('/') ? ['/'] : call.state.cwds;
    const full = cwds.map((cwd) => resolved(path, cwd, this));
    const made = full.some((at) => at !== undefined && this.copies.has(at));
    for (const at of full) if (at !== undefined) this.knownFile(call, path, at);
    this.opaque(made ? 'hidden' : 'file', made ? 'writtenHere' : reason, path);
  }

  /** A file of agent-strace, or of an agent, that is run as such: as a program by its usual name. */
  private knownFile(call: Call, given: Pattern, at: Pattern): void {
    const name = programOfFile(textOf(this.copies.get(at) || at), this.world.env);
    if (name === undefined || call.name === name) return;
    const from = call.words.indexOf(given);
    this.record({ ...call, words: call.words.slice(from), via: [...call.via, call.name] }, name);
  }

  // Programs -------------------------------------------------------------------------------------

  simple(command: Command, state: State, via: readonly Via[]): Output | undefined {
    return this.nested(() => this.statements.simple(command, state, via));
  }

  substitute(script: ParsedScript, state: State, via: string): Output | undefined {
    return this.nested(() => {
      this.unparsed(script, script.source ?? '');
      return this.statements.list(script.commands, state, [...this.statements.via, via]);
    });
  }

  /** A part that the parser could not make out. */
  private unparsed(script: ParsedScript, text: string): void {
    const first = script.errors?.[0];
    if (first) this.opaque('hidden', 'unparsable', `${first.message}: ${text}`);
  }

  /** The whole command. */
  top(text: string): void {
    const state = new State([literal(this.world.cwd)]);
    this.run(text, state, []);
  }

  private run(text: string, state: State, via: readonly Via[]): Output | undefined {
    this.parsed += text.length;
    if (this.parsed > MAX_PARSED) throw new TooMuch();
    this.spend(1 + text.length / 256);
    return this.nested(() => {
      const script = parse(text);
      this.unparsed(script, text);
      return this.statements.list(script.commands, state, via);
    });
  }

  script(text: Pattern, call: Call, via: Via, options: ScriptOptions = {}): Output | undefined {
    if (isUnknown(text)) this.opaque('hidden', 'eval', text);
    if (text === UNKNOWN) return undefined;
    const state = options.inside ? call.state : call.state.clone();
    if (!options.inside) {
      this.spend(1 + state.size / 8);
      state.dead = false;
      for (const [name, value] of call.assignments) state.set(name, [value]);
    }
    if (options.positional) state.positional = [...options.positional];
    const before = state.stdin;
    state.stdin = call.stdin;
    const source = textOf(text).replaceAll(UNKNOWN, `\${${UNKNOWN_VARIABLE}}`);
    const output = this.run(source, state, [...call.via, via]);
    state.stdin = before;
    return output;
  }

  invoke(words: readonly Pattern[], call: Call, via?: Via): Output | undefined {
    const path = via === undefined ? call.via : [...call.via, via];
    return this.nested(() => this.program({ ...call, words, via: path }, via === undefined));
  }

  /**
   * One program with its arguments.
   * @param shell it is called by a shell, which knows functions and aliases
   */
  private program(call: Call, shell: boolean): Output | undefined {
    this.spend(1 + call.words.length / 4);
    const [given, ...args] = call.words;
    if (given === undefined) return undefined;
    const name = this.nameOf(given, call);
    this.record(call, name);
    this.environment(call);
    if (name === undefined) {
      this.opaque('hidden', 'unknownProgram', call.words.join(' '));
      for (const arg of args) if (!isUnknown(arg)) this.use(call, arg, 'argument');
      return undefined;
    }
    const next: Call = { ...call, name, args };
    if (shell) {
      const own = this.called(textOf(given), next);
      if (own) return own.output;
    }
    const known = builtins.get(name) ?? this.effects.get(name);
    const fromFile =
      given.includes('/') &&
      !SYSTEM_FOLDER.test(given) &&
      !/(^|\/)node_modules\/\.bin\//.test(given);
    if (fromFile) this.runFile(next, given, 'script');
    if (known) return known(next, this);
    for (const arg of args) this.argument(next, arg);
    return undefined;
  }

  /** A word given to a program that is not known: it may be a path, or hold one. */
  private argument(call: Call, arg: Pattern): void {
    if (isUnknown(arg)) return;
    if (!arg.startsWith('-')) this.use(call, arg, 'argument');
    const cut = arg.indexOf('=');
    if (cut > 0) this.use(call, arg.slice(cut + 1), 'argument');
    else if (/^-[A-Za-z][/.~]/.test(arg)) this.use(call, arg.slice(2), 'argument');
    const url = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/:?#]+)/i.exec(arg);
    if (url) this.host(url[1], call.name);
  }

  /** A function or an alias of the command's own. */
  private called(name: string, call: Call): { output: Output | undefined } | undefined {
    const { state } = call;
    const body = state.functions.get(name);
    if (body) {
      const { positional, dead, stdin } = state;
      state.positional = [...call.args];
      state.stdin = call.stdin;
      this.calls++;
      const output = this.nested(() =>
        this.statements.body(body, state, [...call.via, 'function']),
      );
      this.calls--;
      state.positional = positional;
      state.stdin = stdin;
      state.dead = dead;
      return { output };
    }
    const alias = state.aliases.get(name);
    if (alias === undefined) return undefined;
    state.aliases.delete(name);
    state.positional = [...call.args];
    const output = this.script(`${alias} "$@"`, call, 'alias', { inside: true });
    state.aliases.set(name, alias);
    return { output };
  }

  private nameOf(given: Pattern, call: Call): string | undefined {
    if (isUnknown(given) || isGlob(given) || given === '') return undefined;
    let path = given;
    if (given.includes('/')) {
      const at = resolved(given, oneOf(call.state.cwds), this);
      const from = at === undefined ? undefined : this.copies.get(at);
      if (from) path = from;
      else if (at !== undefined && baseName(given) !== baseName(at)) {
        // A link to a program: busybox and python are many of them. Its own name says most.
        const name = shortName(given);
        if (!this.effects.has(name) && !builtins.has(name)) path = at;
      }
    }
    return isUnknown(path) ? undefined : shortName(path);
  }

  private record(call: Call, name: string | undefined): void {
    if (this.reading.programs.length >= MAX_ACTS) throw new TooMuch();
    const globs: number[] = [];
    const unknown: number[] = [];
    call.words.forEach((word, index) => {
      if (isUnknown(word)) unknown.push(index);
      else if (isGlob(word)) globs.push(index);
    });
    this.reading.programs.push({
      name,
      words: call.words.map(textOf),
      globs,
      unknown,
      assignments: {
        ...exported(call.state),
        ...Object.fromEntries([...call.assignments].map(([key, value]) => [key, textOf(value)])),
      },
      cwds: call.state.cwds.map(textOf),
      via: [...call.via],
    });
  }

  /** Variables that make a program run or load something. */
  private environment(call: Call): void {
    for (const [name, value] of call.assignments) this.variable(name, value, call);
  }

  /** A variable that is given to programs. */
  variable(name: string, value: Pattern, call: Call): void {
    if (LOAD_VARIABLES.test(name) && value !== '')
      this.opaque('hidden', 'environment', `${name}=${value}`);
    else if (PATH_VARIABLES.test(name) && value !== '')
      this.opaque('file', 'environment', `${name}=${value}`);
    else if (name === 'NODE_OPTIONS' && /-r|--require|--import|--loader|--eval/.test(value))
      this.opaque('hidden', 'environment', `${name}=${value}`);
    else if (RUN_VARIABLES.test(name) && value !== '')
      this.script(value, { ...call, assignments: new Map(), stdin: undefined }, name);
  }

  /** Takes the shell to another folder. */
  cd(state: State, folders: (Pattern | undefined)[]): void {
    const { cwds } = state;
    const next = folders.flatMap((folder) =>
      (cwds.length ? cwds : [undefined]).map((cwd) =>
        folder === undefined ? undefined : lexical(folder, cwd),
      ),
    );
    state.before = cwds;
    const known = next.filter((folder) => folder !== undefined);
    state.cwds = known.length < next.length || known.length > 4 ? [] : [...new Set(known)];
    this.cdSure = state.cwds.every((cwd) => this.isFolder(cwd) || this.copies.has(cwd));
  }

  body(node: CommandNode, state: State, via: readonly Via[]): Output | undefined {
    return this.nested(() => this.statements.body(node, state, via));
  }
}

/** Variables that say where an agent's settings are: they reach it also when they are set before. */
function exported({ vars }: State): Record<string, string> {
  const found: Record<string, string> = {};
  if (vars.size === 0) return found;
  for (const [name, values] of vars)
    if (SETTINGS_VARIABLES.test(name)) found[name] = textOf(values[0] ?? UNKNOWN);
  return found;
}

function shortName(path: Pattern): string {
  return textOf(baseName(path))
    .toLowerCase()
    .replace(/\.exe$/, '');
}

function literal(text: string): Pattern {
  return text.replace(/[*?[\\]/g, '\\$&');
}
