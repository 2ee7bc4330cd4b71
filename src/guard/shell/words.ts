/** Words of a command as the programs would get them. */
import {
  type ArithmeticExpression,
  forEachChild,
  type ParameterExpansionPart,
  type ParsedScript,
  parse,
  type SyntaxNode,
  type Word,
  type WordPart,
} from 'unbash';
import { braces } from './braces.ts';
import { activated, escaped, isGlob, isUnknown, type Pattern, textOf, UNKNOWN } from './pattern.ts';
import type { Output, State } from './state.ts';

/** What the reading of words needs of the reader of commands. */
export interface Runner {
  readonly home: string;
  /** Counts work; throws when it is too much. */
  spend: (amount: number) => void;
  /** Reads a substituted script and tells what it prints. */
  substitute: (script: ParsedScript, state: State, via: string) => Output | undefined;
  /** The value of a variable that the command has not set. */
  initial: (name: string) => Pattern[];
}

/** More readings of one word than this are not told apart. */
const MAX_ALTERNATIVES = 16;
/** Longer words are not followed; the longest line that is read is not much longer. */
const MAX_WORD = 65_536;

/** One reading of a word: the fields that it becomes. */
interface Reading {
  fields: Pattern[];
  /** The last field is finished: what follows starts a new one. */
  closed: boolean;
}

/** What a variable or substitution stands for: one text of several, or a row of fields. */
type Value = { texts: Pattern[] } | { row: Pattern[] };

export class Words {
  private readonly runner: Runner;
  private readonly state: State;

  constructor(runner: Runner, state: State) {
    this.runner = runner;
    this.state = state;
  }

  /** All fields that these words may become. */
  fields(words: readonly Word[]): Pattern[] {
    return words.flatMap((word) => this.alternatives(word).flat());
  }

  /** The texts that a word may stand for where it is not split: values, targets of redirects. */
  texts(word: Word): Pattern[] {
    const texts = this.read(word, false).map(({ fields }) => fields.join(' '));
    return [...new Set(texts)];
  }

  /** The possible rows of fields of one word. */
  alternatives(word: Word): Pattern[][] {
    this.runner.spend(1);
    if (word.parts?.some((part) => part.type === 'BraceExpansion')) {
      const texts = braces(word.text);
      if (!texts) return [[UNKNOWN]];
      if (texts.length > 1 || texts[0] !== word.text) {
        const fields = texts.flatMap((text) => {
          this.runner.spend(1 + text.length / 64);
          // An empty piece stands for nothing.
          const command = parse(`: ${text}`).commands[0]?.command;
          if (command?.type !== 'Command') return text.trim() === '' ? [] : [UNKNOWN];
          return command.suffix.flatMap((arg) =>
            arg.type === 'Word' ? this.read(arg, true).flatMap((reading) => reading.fields) : [],
          );
        });
        return [fields];
      }
    }
    return this.read(word, true).map((reading) => reading.fields);
  }

  private read(word: Word, split: boolean): Reading[] {
    if (!word.parts) {
      const text = word.text.startsWith('~') ? this.tilde(word.value) : escaped(word.value);
      return [{ fields: [text], closed: false }];
    }
    let readings: Reading[] = [{ fields: [], closed: true }];
    word.parts.forEach((part, index) => {
      readings = this.part(part, index === 0, readings, split);
    });
    if (!split) for (const reading of readings) if (!reading.fields.length) reading.fields.push('');
    return readings;
  }

  private part(part: WordPart, first: boolean, readings: Reading[], split: boolean): Reading[] {
    // Readings are copied for every part.
    for (const { fields } of readings) this.runner.spend(1 + fields.length / 32);
    switch (part.type) {
      case 'Literal':
        return add(
          readings,
          first && part.text.startsWith('~') ? this.tilde(part.value) : escaped(part.value),
        );
      case 'SingleQuoted':
      case 'AnsiCQuoted':
        return add(readings, escaped(part.value));
      case 'Glob':
        // `**` is any number of folders where the shell has been told so.
        return add(readings, part.kind === 'star' ? (part.text.length > 1 ? '**' : '*') : '?');
      case 'ExtendedGlob':
        return add(readings, '*');
      case 'BraceExpansion':
        return add(readings, escaped(part.text));
      case 'DoubleQuoted':
      case 'LocaleString': {
        let quoted = add(readings, '');
        for (const child of part.parts)
          quoted =
            child.type === 'Literal'
              ? add(quoted, escaped(child.value))
              : this.append(quoted, this.value(child, true), true);
        return quoted;
      }
      default:
        return this.append(readings, this.value(part, !split), !split);
    }
  }

  /** Adds a value to every reading. */
  private append(readings: Reading[], value: Value, quoted: boolean): Reading[] {
    if ('row' in value) {
      if (!value.row.length) return readings;
      return readings.map(({ fields, closed }) => {
        const row = quoted ? value.row : value.row.flatMap((text) => this.split(activated(text)));
        const [head = '', ...rest] = row;
        const start = closed
          ? [...fields, head]
          : [...fields.slice(0, -1), (fields.at(-1) ?? '') + head];
        return { fields: [...start, ...rest], closed: false };
      });
    }
    const many = readings.length * value.texts.length > MAX_ALTERNATIVES;
    const texts = many ? [UNKNOWN] : value.texts;
    return texts.flatMap((text) => {
      if (quoted) return add(readings, text);
      const wide = activated(text);
      const pieces = this.split(wide);
      return readings.map(({ fields, closed }) => {
        if (wide === '') return { fields: [...fields], closed };
        const opens = closed || /^\s/.test(wide);
        const [head, ...rest] = pieces;
        if (head === undefined) return { fields: [...fields], closed: true };
        const start = opens
          ? [...fields, head]
          : [...fields.slice(0, -1), (fields.at(-1) ?? '') + head];
        return { fields: [...start, ...rest], closed: /\s$/.test(wide) };
      });
    });
  }

  private split(text: Pattern): Pattern[] {
    const ifs = this.state.vars.get('IFS')?.map(textOf).join('');
    if (ifs === undefined) return text.split(/[ \t\n]+/).filter(Boolean);
    if (ifs === '') return [text];
    const out: Pattern[] = [''];
    for (const char of text) {
      if (ifs.includes(char) || ifs.includes(UNKNOWN)) out.push('');
      else out[out.length - 1] += char;
    }
    return out.filter(Boolean);
  }

  /** `~`, `~/x`, `~user/x`. */
  private tilde(text: string): Pattern {
    const cut = text.indexOf('/');
    const who = cut < 0 ? text : text.slice(0, cut);
    const rest = escaped(cut < 0 ? '' : text.slice(cut));
    if (who === '~') return oneOf(this.lookup('HOME')) + rest;
    if (who === '~+') return oneOf(this.state.cwds) + rest;
    if (who === '~-') return oneOf(this.state.before) + rest;
    if (who === '~root') return `/root${rest}`;
    const home = this.runner.home;
    if (who.slice(1) === home.slice(home.lastIndexOf('/') + 1)) return escaped(home) + rest;
    // The folder of somebody else: it is not known where, so any folder of that name.
    return `/**/${escaped(who.slice(1))}${rest}`;
  }

  private value(part: WordPart, quoted: boolean): Value {
    const { state } = this;
    switch (part.type) {
      case 'SimpleExpansion':
        return this.parameter(part.text.slice(1), quoted);
      case 'ParameterExpansion':
        return this.expansion(part, quoted);
      case 'CommandExpansion': {
        if (!part.script) return { texts: [UNKNOWN] };
        return outputValue(
          this.runner.substitute(part.script, state.clone(), 'substitution'),
          quoted,
        );
      }
      case 'ArithmeticExpansion':
        if (part.expression) this.arithmetic(part.expression);
        return { texts: [/^\$\(\(\d{1,15}\)\)$/.test(part.text) ? part.text.slice(3, -2) : '*'] };
      case 'ProcessSubstitution': {
        if (part.script)
          this.runner.substitute(part.script, state.clone(), `${part.operator}(substitution)`);
        return { texts: ['/dev/fd/*'] };
      }
      default:
        return { texts: [UNKNOWN] };
    }
  }

  /** Reads what is substituted inside an expression; a command may hide in any corner of it. */
  arithmetic(node: ArithmeticExpression | SyntaxNode): void {
    this.runner.spend(1);
    if (node.type === 'CommandExpansion' || node.type === 'ArithmeticCommandExpansion') {
      if (node.script) this.runner.substitute(node.script, this.state.clone(), 'substitution');
    } else if (node.type === 'ProcessSubstitution') this.value(node, true);
    else if (node.type === 'Word' && node.parts) this.texts(node);
    else forEachChild(node, (child) => this.arithmetic(child));
  }

  /** The possible values of a variable. */
  lookup(name: string): Pattern[] {
    const { state } = this;
    const own = state.vars.get(name) ?? state.arrays.get(name)?.slice(0, 1);
    if (own) return own;
    if (name === 'PWD') return state.cwds.length ? state.cwds : [UNKNOWN];
    if (name === 'OLDPWD') return state.before.length ? state.before : [UNKNOWN];
    return this.runner.initial(name);
  }

  private parameter(name: string, quoted: boolean): Value {
    const { state } = this;
    if (name === '@' || name === '*')
      return name === '*' && quoted
        ? { texts: [state.positional.join(' ')] }
        : { row: state.positional };
    if (/^\d+$/.test(name)) {
      if (name === '0') return { texts: [UNKNOWN] };
      return { texts: [state.positional[Number(name) - 1] ?? ''] };
    }
    // Numbers, and letters of options: no slash, no dash in front.
    if (/^[#?$!]$/.test(name) || name === 'RANDOM' || name === 'SECONDS' || name === 'LINENO')
      return { texts: ['*'] };
    if (name === '-') return { texts: ['hB'] };
    return { texts: this.lookup(name) };
  }

  private expansion(part: ParameterExpansionPart, quoted: boolean): Value {
    const { state } = this;
    if (part.prefix === '#') return { texts: ['*'] };
    let value: Value;
    const array = state.arrays.get(part.parameter);
    if (part.index) {
      const index = this.texts(part.index);
      if (index[0] === '*' || index[0] === '\\*' || index[0] === '@')
        value = { row: array ?? this.lookup(part.parameter) };
      else if (array && index.length === 1 && /^\d+$/.test(index[0]!))
        value = { texts: [array[Number(index[0])] ?? ''] };
      else value = { texts: array?.length ? array : [UNKNOWN] };
    } else value = this.parameter(part.parameter, quoted);
    if (part.prefix === '!') {
      const names = 'texts' in value ? value.texts : [UNKNOWN];
      if (part.operation?.type === 'Names' || names.some((name) => !/^\w+$/.test(name)))
        return { texts: [UNKNOWN] };
      value = { texts: names.flatMap((name) => this.lookup(name)) };
    }
    const { operation } = part;
    if (!operation) return value;
    if (operation.type === 'Default') {
      const unset = 'row' in value ? !value.row.length : value.texts.includes('');
      const operand = this.texts(operation.operand);
      const values = 'row' in value ? [value.row.join(' ')] : value.texts;
      const other = operation.operator.endsWith('+');
      if (operation.operator.endsWith('?')) return value;
      if (other) return { texts: unset && values.length === 1 ? [''] : [...operand, ''] };
      const set = values.filter((text) => text !== '');
      const maybe = unset || values.some(isUnknown);
      const texts = maybe ? [...set, ...operand] : set;
      if (maybe && operation.operator.endsWith('=')) state.set(part.parameter, texts);
      return { texts };
    }
    const change = this.change(operation);
    if ('row' in value) return { row: value.row.map(change) };
    return { texts: value.texts.map(change) };
  }

  private change(
    operation: NonNullable<ParameterExpansionPart['operation']>,
  ): (text: Pattern) => Pattern {
    const known = (edit: (text: string) => Pattern) => (text: Pattern) =>
      isUnknown(text) ? UNKNOWN : edit(text);
    if (operation.type === 'Remove') {
      const pattern = oneOf(this.texts(operation.operand));
      return known((text) => removed(text, operation.operator, pattern));
    }
    if (operation.type === 'Replace') {
      const from = oneOf(this.texts(operation.pattern));
      const to = oneOf(this.texts(operation.replacement));
      if (isGlob(from) || isUnknown(from + to) || from === '') return () => UNKNOWN;
      return known((text) => {
        if (isGlob(text)) return UNKNOWN;
        if (operation.operator === '//') return capped(text.replaceAll(from, () => to));
        if (operation.operator === '/#')
          return text.startsWith(from) ? to + text.slice(from.length) : text;
        if (operation.operator === '/%')
          return text.endsWith(from) ? text.slice(0, -from.length) + to : text;
        return text.replace(from, () => to);
      });
    }
    if (operation.type === 'CaseModification' && !operation.operand)
      return known((text) => {
        const change = (part: string): string =>
          operation.operator.startsWith('^') ? part.toUpperCase() : part.toLowerCase();
        return operation.operator.length === 2
          ? change(text)
          : change(text.slice(0, 1)) + text.slice(1);
      });
    if (operation.type === 'Slice') {
      const offset = oneOf(this.texts(operation.offset)).trim();
      const length = operation.length ? oneOf(this.texts(operation.length)).trim() : undefined;
      if (!/^-?\d+$/.test(offset) || (length !== undefined && !/^-?\d+$/.test(length)))
        return () => UNKNOWN;
      return known((text) => {
        if (isGlob(text)) return UNKNOWN;
        const from = textOf(text).slice(Number(offset));
        return escaped(length === undefined ? from : from.slice(0, Number(length)));
      });
    }
    if (operation.type === 'Transform' && textOf(oneOf(this.texts(operation.operand))) === 'Q')
      return (text) => text;
    return () => UNKNOWN;
  }
}

/** A single value; several are not told apart. */
export function oneOf(texts: readonly Pattern[]): Pattern {
  return texts.length === 1 ? texts[0]! : UNKNOWN;
}

function capped(text: Pattern): Pattern {
  return text.length > MAX_WORD ? UNKNOWN : text;
}

/** Adds a text to the last field of every reading. */
function add(readings: Reading[], text: Pattern): Reading[] {
  return readings.map(({ fields, closed }) => ({
    fields: closed
      ? [...fields, text]
      : [...fields.slice(0, -1), capped((fields.at(-1) ?? '') + text)],
    closed: false,
  }));
}

function outputValue(output: Output | undefined, quoted: boolean): Value {
  if (!output) return { texts: [UNKNOWN] };
  if (output.exact) return { texts: [output.lines.join('\n').replace(/\n+$/, '')] };
  if (!quoted) return { row: output.lines };
  return { texts: output.lines.length ? output.lines : [''] };
}

/** `${x#pattern}` and its like, where the answer is sure. */
function removed(text: Pattern, operator: string, pattern: Pattern): Pattern {
  if (isUnknown(pattern)) return UNKNOWN;
  const front = operator.startsWith('#');
  if (!isGlob(pattern)) {
    if (front) return text.startsWith(pattern) ? text.slice(pattern.length) : text;
    return text.endsWith(pattern) && pattern ? text.slice(0, -pattern.length) : text;
  }
  const star = front ? pattern.startsWith('*') : pattern.endsWith('*');
  const rest = front ? pattern.slice(1) : pattern.slice(0, -1);
  if (!star || isGlob(rest) || rest === '') return UNKNOWN;
  const all = operator.length === 2;
  const at = front === all ? text.lastIndexOf(rest) : text.indexOf(rest);
  // A star in the text may hold another one of what is looked for, but for a slash.
  if (isGlob(text) && (rest !== '/' || text.includes('**'))) return at < 0 ? text : UNKNOWN;
  if (at < 0) return text;
  return front ? text.slice(at + rest.length) : text.slice(0, at);
}
