/** What the readers of all parts of a rule file share: where they are, what was wrong, which rules there are. */
import type { CheckRegex } from './conditionParser.ts';
import { conditionText, parseCondition } from './conditions.ts';
import { ACTIONS, type Action, type Condition, type Rule, type RuleProblem } from './rule.ts';
import { type Entry, placeIn, placer, type Tree } from './tree.ts';
import { meant } from './words.ts';

/** A rule as its file says it: what is relative to whom, and how far it may go, is not the file's to say. */
export type FileRule = Omit<Rule, 'root' | 'scope' | 'fixed'>;

export interface FileContext {
  /** Absolute; empty: a flag. */
  file: string;
  text: string;
  /** A repository's: it names no destinations. */
  repo: boolean;
  checkRegex?: CheckRegex | undefined;
}

const MAX_RULES = 1000;
/** A file with more mistakes than that is looked at anew once these are gone. */
const MAX_PROBLEMS = 100;
const MAX_NAME = 80;
const MAX_MESSAGE = 500;

type MapTree = Extract<Tree, { kind: 'map' }>;

export const ACTION_WORDS: Record<string, Action> = {
  alert: 'alert',
  ask: 'ask',
  deny: 'deny',
  pause: 'pause',
  stop: 'stop',
  kill: 'kill',
  // Of the Python tool.
  require_approval: 'ask',
  block: 'deny',
  terminate: 'stop',
};

const MEANT_ACTIONS: Record<string, Action> = {
  warn: 'alert',
  warning: 'alert',
  notify: 'alert',
  log: 'alert',
  approve: 'ask',
  confirm: 'ask',
  reject: 'deny',
  forbid: 'deny',
  prevent: 'deny',
  freeze: 'pause',
  end: 'stop',
  abort: 'stop',
};

export class FileReader {
  readonly context: FileContext;
  readonly rules: FileRule[] = [];
  readonly problems: RuleProblem[] = [];
  /** Rules, or what stands for some, that could not be read. */
  lost = 0;
  readonly #names = new Set<string>();
  #full = false;
  readonly #place: (offset: number) => { line: number; column: number };

  constructor(context: FileContext) {
    this.context = context;
    this.#place = placer(context.text);
  }

  /** Tells of a mistake that takes nothing away. */
  tell(at: number, message: string, fix?: string): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    const { line, column } = this.#place(at);
    this.problems.push({
      file: this.context.file,
      line,
      column,
      message,
      ...(fix !== undefined && { fix }),
    });
  }

  /** Tells of a mistake that a rule is lost by. */
  lose(at: number, message: string, fix?: string): undefined {
    this.lost++;
    this.tell(at, message, fix);
    return undefined;
  }

  /** The fields of a map that may have these keys; what else it has is told, as is what it has twice. */
  fields(map: MapTree, keys: readonly string[], of: string, strict = true): Map<string, Entry> {
    const fields = new Map<string, Entry>();
    for (const entry of map.entries) {
      const { key, keyStart, node } = entry;
      if (fields.has(key)) {
        this.lose(keyStart, `"${shown(key)}" stands here twice`, 'keep one of them');
        continue;
      }
      fields.set(key, entry);
      if (keys.includes(key)) {
        if (node.kind === 'wrong') this.lose(node.start, node.message, node.fix);
        continue;
      }
      const known = meant(key, keys);
      const near = known !== undefined;
      if (strict || near)
        this.tell(
          keyStart,
          `${of} has no "${shown(key)}"`,
          near ? `did you mean ${known}?` : `there is: ${keys.join(', ')}`,
        );
    }
    return fields;
  }

  /** A text; undefined: there is none, or (told) something else. */
  string(entry: Entry | undefined): string | undefined {
    if (entry === undefined || entry.node.kind === 'wrong') return undefined;
    const { node } = entry;
    if (node.kind === 'scalar' && typeof node.value === 'string') return node.value;
    return this.lose(node.start, `"${entry.key}" is a text`, 'put it in quotes');
  }

  /** Texts: one, or a list of them. */
  strings(entry: Entry | undefined): string[] | undefined {
    if (entry === undefined) return undefined;
    const { node } = entry;
    if (node.kind !== 'list') {
      const one = this.string(entry);
      return one === undefined ? undefined : [one];
    }
    const texts = node.items.map((item) => this.string({ ...entry, node: item }));
    if (texts.length === 0)
      return this.lose(node.start, `"${entry.key}" is empty`, 'write at least one');
    return texts.every((text) => text !== undefined) ? texts : undefined;
  }

  /** A number, or a text that says one: what it is worth the caller knows. */
  amount(entry: Entry | undefined): string | undefined {
    if (entry === undefined || entry.node.kind === 'wrong') return undefined;
    const { node } = entry;
    if (node.kind === 'scalar' && ['number', 'string'].includes(typeof node.value))
      return String(node.value);
    return this.lose(node.start, `"${entry.key}" is a number`, `write: ${entry.key}: 5`);
  }

  /** A whole number from `least` on. */
  count(entry: Entry | undefined, least = 1): number | undefined {
    const text = this.amount(entry);
    if (text === undefined || entry === undefined) return undefined;
    const value = Number(text);
    if (Number.isInteger(value) && value >= least) return value;
    return this.lose(
      entry.node.start,
      `"${entry.key}" is a whole number from ${least} on`,
      `write: ${entry.key}: ${Math.max(3, least)}`,
    );
  }

  /** @returns `otherwise` where nothing is written; undefined where what is written is none */
  action(entry: Entry | undefined, otherwise: Action): Action | undefined {
    if (entry === undefined) return otherwise;
    const text = this.string(entry);
    if (text === undefined) return undefined;
    const word = text.trim().toLowerCase();
    if (Object.hasOwn(ACTION_WORDS, word)) return ACTION_WORDS[word];
    const known = Object.hasOwn(MEANT_ACTIONS, word)
      ? MEANT_ACTIONS[word]
      : meant(word, Object.keys(ACTION_WORDS));
    return this.lose(
      entry.node.start,
      `there is no action "${shown(text)}"`,
      known === undefined ? `there are: ${ACTIONS.join(', ')}` : `did you mean ${known}?`,
    );
  }

  /** Tells of destinations, which a repository cannot name; `of` a user's file says where they belong. */
  destination(entry: Entry | undefined): void {
    if (entry === undefined) return;
    const { node } = entry;
    const yes = node.kind === 'scalar' && (typeof node.value === 'boolean' || node.value === null);
    if (yes && !this.context.repo) return;
    this.tell(
      entry.keyStart,
      `"${entry.key}" is not read here: destinations come from user settings`,
      'take it out, and set agentStrace.guard.webhook in your settings',
    );
  }

  /** The condition that a text says. Mistakes are told where they stand in it. */
  condition(entry: Entry, text: string): Condition | undefined {
    const parsed = parseCondition(text, this.context.checkRegex);
    if (parsed.ok) return parsed.condition;
    const at = placeIn(this.context.text, entry.node.start, parsed.column - 1);
    return this.lose(at, parsed.message, parsed.fix);
  }

  /** Looks at a condition that was put together, as if it had been written. */
  checked(at: number, condition: Condition): Condition | undefined {
    const parsed = parseCondition(conditionText(condition), this.context.checkRegex);
    if (parsed.ok) return parsed.condition;
    return this.lose(at, parsed.message, parsed.fix);
  }

  /** A text for people: one line, bounded. */
  message(entry: Entry | undefined): string | undefined {
    const text = this.string(entry);
    return text === undefined ? undefined : oneLine(text, MAX_MESSAGE) || undefined;
  }

  /** A rule that could not be read has its name all the same: another must not take its place. */
  reserve(name: string | undefined): void {
    const given = oneLine(name ?? '', MAX_NAME);
    if (given) this.#names.add(given);
  }

  /** Adds a rule. Its name is made one of a kind. */
  add(
    at: number,
    rule: Omit<FileRule, 'file' | 'line' | 'name'> & { name?: string | undefined },
  ): void {
    if (this.rules.length >= MAX_RULES) {
      if (!this.#full)
        this.lose(
          at,
          `a file has at most ${MAX_RULES} rules: those from here on are not read`,
          'write several patterns in one rule: "a", "b"',
        );
      this.#full = true;
      return;
    }
    const { name = '', ...rest } = rule;
    const given = oneLine(name, MAX_NAME);
    const base = given || oneLine(rest.text, MAX_NAME);
    let unique = base;
    for (let n = 2; this.#names.has(unique); n++) unique = `${base}-${n}`;
    if (unique !== base && given)
      this.tell(
        at,
        `another rule is called "${shown(base)}": this one is in force as "${shown(unique)}"`,
        'give it a name of its own',
      );
    this.#names.add(unique);
    this.rules.push({
      name: unique,
      ...rest,
      ...(this.context.file !== '' && { file: this.context.file, line: this.#place(at).line }),
    });
  }
}

export const oneLine = (text: string, most: number): string =>
  text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
    .slice(0, most);

export const shown = (text: string): string => oneLine(text, 40);
