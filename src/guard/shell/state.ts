/** What a shell knows at one point of a command: where it is, its variables, its functions. */
import type { CommandNode, CompoundList } from 'unbash';
import { type Pattern, UNKNOWN } from './pattern.ts';

/** What a program prints: lines; `exact`: these and no other, in this order. */
export interface Output {
  lines: Pattern[];
  exact: boolean;
}

/** More values than this for one variable are not followed. */
const MAX_VALUES = 16;
const MAX_FOLDERS = 4;

export class State {
  /** Where the shell may be; none: not known. */
  cwds: Pattern[];
  /** Where it was before, for `cd -`. */
  before: Pattern[];
  pushed: Pattern[][] = [];
  /** Possible values. */
  vars = new Map<string, Pattern[]>();
  arrays = new Map<string, Pattern[]>();
  functions = new Map<string, CommandNode | CompoundList>();
  aliases = new Map<string, Pattern>();
  positional: Pattern[] = [];
  /** `exit`, `return` and the like: what follows is not reached. */
  dead = false;
  stdin: Output | undefined;

  constructor(cwds: Pattern[]) {
    this.cwds = cwds;
    this.before = cwds;
  }

  clone(): State {
    const copy = new State(this.cwds);
    copy.before = this.before;
    copy.pushed = [...this.pushed];
    copy.vars = new Map(this.vars);
    copy.arrays = new Map(this.arrays);
    copy.functions = new Map(this.functions);
    copy.aliases = new Map(this.aliases);
    copy.positional = this.positional;
    copy.dead = this.dead;
    copy.stdin = this.stdin;
    return copy;
  }

  get size(): number {
    return this.vars.size + this.arrays.size + this.functions.size + this.aliases.size;
  }

  /** Takes over another state in full. */
  become(other: State): void {
    this.cwds = other.cwds;
    this.before = other.before;
    this.pushed = other.pushed;
    this.vars = other.vars;
    this.arrays = other.arrays;
    this.functions = other.functions;
    this.aliases = other.aliases;
    this.positional = other.positional;
    this.dead = other.dead;
  }

  /**
   * Either this or the other may be so.
   * @param initial what a variable holds that the command has not set
   */
  join(other: State, initial: (name: string) => Pattern[]): void {
    if (other.dead) return;
    if (this.dead) {
      this.become(other);
      return;
    }
    this.cwds = foldersOf(this.cwds, other.cwds);
    this.before = foldersOf(this.before, other.before);
    joinMaps(this.vars, other.vars, initial);
    joinMaps(this.arrays, other.arrays, () => [UNKNOWN]);
    for (const [name, body] of other.functions) this.functions.set(name, body);
    for (const [name, text] of other.aliases) this.aliases.set(name, text);
  }

  set(name: string, values: Pattern[]): void {
    this.vars.set(name, values.length > MAX_VALUES ? [UNKNOWN] : values);
    this.arrays.delete(name);
  }
}

function foldersOf(a: Pattern[], b: Pattern[]): Pattern[] {
  if (!a.length || !b.length) return [];
  const all = [...new Set([...a, ...b])];
  return all.length > MAX_FOLDERS ? [] : all;
}

function joinMaps(
  into: Map<string, Pattern[]>,
  from: Map<string, Pattern[]>,
  initial: (name: string) => Pattern[],
): void {
  const put = (name: string, a: Pattern[], b: Pattern[]): void => {
    const all = [...new Set([...a, ...b])];
    into.set(name, all.length > MAX_VALUES ? [UNKNOWN] : all);
  };
  for (const [name, values] of from) {
    const ours = into.get(name);
    if (ours !== values) put(name, ours ?? initial(name), values);
  }
  for (const [name, values] of into) if (!from.has(name)) put(name, values, initial(name));
}
