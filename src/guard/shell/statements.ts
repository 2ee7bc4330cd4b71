/** Lists, conditions, loops and simple commands, in the order in which the shell would go through them. */
import type {
  Assignment,
  Command,
  CommandNode,
  CompoundList,
  PipelineNode,
  Redirection,
  Statement,
  Word,
} from 'unbash';
import type { Call } from './call.ts';
import { isUnknown, type Pattern, UNKNOWN } from './pattern.ts';
import type { Reader } from './reader.ts';
import type { Via } from './reading.ts';
import type { Output, State } from './state.ts';
import { oneOf, Words } from './words.ts';

const NOTHING: Output = { lines: [], exact: true };

export class StatementWalk {
  /** What the statement at hand is run through. */
  via: readonly Via[] = [];
  private readonly reader: Reader;

  constructor(reader: Reader) {
    this.reader = reader;
  }

  /** Statements one after the other; tells what they print. */
  list(statements: readonly Statement[], state: State, via: readonly Via[]): Output | undefined {
    const outer = this.via;
    this.via = via;
    let all: Output | undefined = NOTHING;
    for (const { command, background } of statements) {
      if (state.dead) break;
      const before = state.cwds;
      this.reader.cdSure = true;
      const output = this.node(command, background ? this.copy(state) : state, via);
      all = all && output && joined(all, output);
      // A `cd` to a folder that is not there leaves the shell where it was.
      if (!this.reader.cdSure && state.cwds.length && isCd(command))
        state.cwds = before.length ? [...new Set([...state.cwds, ...before])].slice(0, 4) : [];
    }
    this.via = outer;
    return all;
  }

  /** The body of a function, or what a coprocess runs. */
  body(node: CommandNode | CompoundList, state: State, via: readonly Via[]): Output | undefined {
    return node.type === 'CompoundList'
      ? this.list(node.commands, state, via)
      : this.node(node, state, via);
  }

  private copy(state: State): State {
    this.reader.spend(1 + state.size / 8);
    return state.clone();
  }

  private join(state: State, other: State): void {
    this.reader.spend(1 + state.size / 8);
    state.join(other, (name) => this.reader.initial(name));
  }

  private node(
    node: PipelineNode | Statement['command'],
    state: State,
    via: readonly Via[],
  ): Output | undefined {
    this.reader.spend(1);
    return this.reader.nested(() => this.walk(node, state, via));
  }

  private walk(
    node: PipelineNode | Statement['command'],
    state: State,
    via: readonly Via[],
  ): Output | undefined {
    const words = new Words(this.reader, state);
    switch (node.type) {
      case 'Command':
        return this.reader.simple(node, state, via);
      case 'AndOr': {
        let before = node.operators.includes('||') ? this.copy(state) : state;
        let all = this.node(node.commands[0]!, state, via);
        node.commands.slice(1).forEach((command, index) => {
          const last = node.commands[index]!;
          if (node.operators[index] === '&&') {
            const skipped = this.copy(state);
            if (state.dead) return;
            const output = this.node(command, state, via);
            all = all && output && joined(all, output);
            this.join(state, skipped);
          } else {
            // What comes after `||` starts where a `cd` has failed.
            const failed = isCd(last) ? before : this.copy(state);
            if (!isCd(last)) this.join(failed, before);
            if (failed.dead) return;
            const output = this.node(command, failed, via);
            all = all && output && { ...joined(all, output), exact: false };
            this.join(state, failed);
          }
          before = this.copy(state);
        });
        return all;
      }
      case 'Pipeline': {
        if (node.commands.length === 1) return this.node(node.commands[0]!, state, via);
        let output: Output | undefined = NOTHING;
        for (const [index, command] of node.commands.entries()) {
          const part = this.copy(state);
          // What is not known is still something to read.
          if (index > 0) part.stdin = output ?? { lines: [UNKNOWN], exact: false };
          output = this.node(command, part, via);
        }
        return output;
      }
      case 'If': {
        this.list(node.clause.commands, state, via);
        const other = this.copy(state);
        let all = this.list(node.then.commands, state, via);
        for (const branch of node.elif) {
          this.list(branch.clause.commands, other, via);
          const taken = this.copy(other);
          all = either(all, this.list(branch.then.commands, taken, via));
          this.join(state, taken);
        }
        if (node.else) all = either(all, this.list(node.else.commands, other, via));
        this.join(state, other);
        return all && { ...all, exact: false };
      }
      case 'While':
        return this.loop(state, () => {
          this.list(node.clause.commands, state, via);
          return this.list(node.body.commands, state, via);
        });
      case 'For':
      case 'Select': {
        const values = node.wordlist ? words.fields(node.wordlist) : state.positional;
        const name = node.name.value;
        const rows = values.length > 16 ? chunks(values, 16) : [values];
        let all: Output | undefined = NOTHING;
        for (const row of rows)
          all = either(
            all,
            this.loop(state, () => {
              state.set(name, row.length ? [...row] : [UNKNOWN]);
              return this.list(node.body.commands, state, via);
            }),
          );
        return all;
      }
      case 'ArithmeticFor':
        for (const part of [node.initialize, node.test, node.update])
          if (part) words.arithmetic(part);
        return this.loop(state, () => this.list(node.body.commands, state, via));
      case 'Case': {
        words.texts(node.word);
        const start = this.copy(state);
        let all: Output | undefined = NOTHING;
        for (const item of node.items) {
          for (const pattern of item.pattern) words.texts(pattern);
          const taken = this.copy(start);
          if (item.terminator !== ';;') this.join(taken, state);
          all = either(all, this.list(item.body.commands, taken, via));
          this.join(state, taken);
        }
        return all;
      }
      case 'Subshell':
        return this.list(node.body.commands, this.copy(state), via);
      case 'BraceGroup':
        return this.list(node.body.commands, state, via);
      case 'Redirected': {
        const call = this.emptyCall(state, via);
        const { stdin, silent } = this.redirects(node.redirects, state, call);
        const before = state.stdin;
        if (stdin) state.stdin = stdin.output;
        const output = this.node(node.command, state, via);
        state.stdin = before;
        return silent ? NOTHING : output;
      }
      case 'Function':
        state.functions.set(node.name.value, node.body);
        return NOTHING;
      case 'Coproc':
        this.body(node.body, this.copy(state), [...via, 'coproc']);
        return NOTHING;
      case 'TestCommand':
      case 'ArithmeticCommand':
        if (node.expression) words.arithmetic(node.expression);
        return NOTHING;
    }
  }

  /** A body that runs any number of times: a second time only if the first has changed something. */
  private loop(state: State, run: () => Output | undefined): Output | undefined {
    const before = this.copy(state);
    const output = run();
    const after = this.copy(state);
    this.join(state, before);
    if (!same(state, before)) {
      run();
      this.join(state, after);
      this.join(state, before);
    }
    return output && { ...output, exact: false };
  }

  emptyCall(state: State, via: readonly Via[]): Call {
    const stdin = state.stdin;
    return {
      name: '',
      words: [],
      args: [],
      state,
      via,
      assignments: new Map(),
      stdin,
      redirected: false,
    };
  }

  /** A command with words, assignments and redirections. */
  simple(command: Command, state: State, via: readonly Via[]): Output | undefined {
    this.reader.spend(1);
    const words = new Words(this.reader, state);
    const assigned = command.prefix.filter((part) => part.type === 'Assignment');
    const call: Call = { ...this.emptyCall(state, via), redirected: command.redirects.length > 0 };
    const names = command.name ? words.alternatives(command.name) : [[]];
    const rest = command.args.flatMap((arg) =>
      arg.type === 'Assignment' ? this.assignmentWord(arg, words) : words.fields([arg]),
    );
    const { stdin, silent } = this.redirects(command.redirects, state, call);
    // zsh: `>! file` writes over it whatever is set.
    if (command.redirects.some((each) => each.type === 'Redirect' && each.target?.text === '!'))
      for (const word of rest) this.reader.write(call, word, 'redirect');
    const assignments = new Map<string, Pattern>();
    for (const assignment of assigned) {
      // Without a program they are the shell's own.
      const values = this.assign(assignment, words, command.name ? undefined : state);
      assignments.set(assignment.name, oneOf(values));
    }
    let all: Output | undefined;
    let first = true;
    for (const name of names) {
      const row = [...name, ...rest];
      if (!row.length) {
        for (const [key, value] of assignments) if (!command.name) this.own(key, value, call);
        all = first ? NOTHING : all;
      } else {
        const output = this.reader.invoke(row, {
          ...call,
          assignments,
          stdin: stdin ? stdin.output : state.stdin,
        });
        all = first ? output : either(all, output);
      }
      first = false;
    }
    return silent ? NOTHING : all;
  }

  /** A variable of the shell's own that something may read later. */
  private own(name: string, value: Pattern, call: Call): void {
    if (name === 'PROMPT_COMMAND' || name === 'PS4' || name === 'BASH_ENV')
      this.reader.variable(name, value, call);
    if (name === 'CDPATH' && value !== '')
      this.reader.opaque('hidden', 'environment', `CDPATH=${value}`);
    // Programs are looked for there; folders that others cannot write to are no news.
    if (name === 'PATH' && (isUnknown(value) || !/\$|\/bin/.test(value)))
      this.reader.opaque(isUnknown(value) ? 'file' : 'hidden', 'environment', `PATH=${value}`);
  }

  private assignmentWord(node: Assignment, words: Words): Pattern[] {
    const values = this.assign(node, words, undefined);
    return [`${node.name}=${oneOf(values)}`];
  }

  /** Evaluates an assignment, and makes it if a state is given. */
  assign(node: Assignment, words: Words, state: State | undefined): Pattern[] {
    const { value, name } = node;
    if (node.index) words.texts(node.index);
    if (value.type === 'ArrayValue') {
      const fields = words.fields(value.elements);
      if (state) {
        const before = node.append ? (state.arrays.get(name) ?? []) : [];
        this.reader.spend(before.length / 16);
        state.vars.delete(name);
        state.arrays.set(name, [...before, ...fields]);
      }
      return [fields.join(' ')];
    }
    let values = words.texts(value);
    // `~` after a colon is left: only lists of folders have it.
    if (node.append) {
      const before = words.lookup(name);
      values =
        before.length * values.length > 16
          ? [UNKNOWN]
          : before.flatMap((a) => values.map((b) => a + b));
      if (values.some((text) => text.length > 65_536)) values = [UNKNOWN];
    }
    if (state && node.index) {
      const array = state.arrays.get(name) ?? [];
      this.reader.spend(array.length / 16);
      const at = words.texts(node.index)[0] ?? '';
      const next = [...array];
      if (/^\d{1,3}$/.test(at)) {
        while (next.length < Number(at)) next.push('');
        next[Number(at)] = oneOf(values);
      } else next.push(...values);
      state.arrays.set(name, next);
    } else if (state) state.set(name, values);
    return values;
  }

  /** Files opened by redirections, and what is read from them. */
  private redirects(
    redirects: readonly Redirection[],
    state: State,
    call: Call,
  ): { stdin: { output: Output | undefined } | undefined; silent: boolean } {
    const words = new Words(this.reader, state);
    let stdin: { output: Output | undefined } | undefined;
    let silent = false;
    for (const redirect of redirects) {
      if (redirect.type === 'HereDoc') {
        const { body } = redirect;
        const strip = redirect.operator === '<<-';
        const text =
          body.parts && !redirect.delimiter?.quoted ? hereText(body.parts, words) : undefined;
        const raw = text ?? body.text.replace(/[*?[\\]/g, '\\$&');
        const lines = raw.replace(/\n$/, '').split('\n');
        stdin = {
          output: { lines: strip ? lines.map((l) => l.replace(/^\t+/, '')) : lines, exact: true },
        };
        continue;
      }
      // zsh opens each of `> {a,b}`.
      const { target: to } = redirect;
      const targets =
        to === undefined ? [] : /\{/.test(to.text) ? words.fields([to]) : words.texts(to);
      if (redirect.type === 'HereString') {
        stdin = { output: { lines: oneOf(targets).split('\n'), exact: true } };
        continue;
      }
      const { operator, descriptor } = redirect;
      const number = descriptor?.type === 'FileDescriptor' ? descriptor.value : undefined;
      for (const target of targets) {
        if ((operator === '>&' || operator === '<&') && /^\d*-?$/.test(target)) continue;
        if (operator === '<' || operator === '<&') this.reader.read(call, target, 'redirect');
        else {
          this.reader.write(call, target, 'redirect');
          if (operator === '<>') this.reader.read(call, target, 'redirect');
        }
      }
      if (operator === '<' && (number ?? 0) === 0)
        stdin = { output: this.processOutput(redirect.target, state) };
      if (operator.includes('>') && operator !== '>&' && (number ?? 1) === 1) silent = true;
    }
    return { stdin, silent };
  }

  /** `< <(find .)`: what the inner command prints. */
  private processOutput(target: Word | undefined, state: State): Output | undefined {
    const part = target?.parts?.length === 1 ? target.parts[0] : undefined;
    if (part?.type !== 'ProcessSubstitution' || !part.script) return undefined;
    return this.reader.substitute(part.script, this.copy(state), '<(substitution)');
  }
}

function hereText(parts: NonNullable<Word['parts']>, words: Words): Pattern | undefined {
  const word = {
    type: 'Word',
    text: '',
    value: '',
    pos: 0,
    end: 0,
    parts: [
      {
        type: 'DoubleQuoted',
        text: '',
        pos: 0,
        end: 0,
        parts: parts.filter(
          (part) =>
            part.type === 'Literal' ||
            part.type === 'SimpleExpansion' ||
            part.type === 'ParameterExpansion' ||
            part.type === 'CommandExpansion' ||
            part.type === 'ArithmeticExpansion',
        ),
      },
    ],
  } as const satisfies Word;
  return oneOf(words.texts(word));
}

function isCd(node: PipelineNode | Statement['command']): boolean {
  if (node.type === 'Pipeline' && node.commands.length === 1) return isCd(node.commands[0]!);
  return node.type === 'Command' && /^(cd|pushd|popd)$/.test(node.name?.value ?? '');
}

function joined(a: Output, b: Output): Output {
  if (!b.lines.length) return a.exact && !b.exact ? { lines: a.lines, exact: false } : a;
  if (!a.lines.length && a.exact) return b;
  const lines = a.lines.length + b.lines.length > 2000 ? [UNKNOWN] : [...a.lines, ...b.lines];
  return { lines, exact: a.exact && b.exact && lines[0] !== UNKNOWN };
}

function either(a: Output | undefined, b: Output | undefined): Output | undefined {
  return a && b && { ...joined(a, b), exact: false };
}

function same(a: State, b: State): boolean {
  if (a.cwds.join('\n') !== b.cwds.join('\n') || a.vars.size !== b.vars.size) return false;
  for (const [name, values] of a.vars)
    if (values !== b.vars.get(name) && values.join('\n') !== b.vars.get(name)?.join('\n'))
      return false;
  return true;
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  const out: T[][] = [];
  for (let at = 0; at < all.length; at += size) out.push(all.slice(at, at + size));
  return out;
}
