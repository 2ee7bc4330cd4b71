/** Text patterns of rules, compiled when they are first needed. */
import type { TextPattern } from '../rules/rule.ts';
import { type CommandPattern, commandPatterns } from './commandPattern.ts';
import { type GlobPlace, type PathGlob, pathGlobs, textGlob } from './pathGlob.ts';

/** A linear-time regular expression. */
export interface Regex {
  test(text: string): boolean;
}

/** A rule that cannot be decided: its pattern is none, or what it needs is not there. */
export class Undecidable extends Error {}

export class Matchers {
  private readonly regexes = new Map<string, Regex>();
  private readonly paths = new Map<string, PathGlob[]>();
  private readonly commands = new Map<string, CommandPattern[]>();
  private readonly texts = new Map<string, (text: string) => boolean>();
  private readonly engine: ((source: string) => Regex) | undefined;

  constructor(engine: ((source: string) => Regex) | undefined) {
    this.engine = engine;
  }

  /** @throws Undecidable */
  regex(source: string): Regex {
    let regex = this.regexes.get(source);
    if (regex !== undefined) return regex;
    if (this.engine === undefined) throw new Undecidable('no engine for regular expressions');
    try {
      regex = this.engine(source);
    } catch (error) {
      throw new Undecidable(error instanceof Error ? error.message : String(error));
    }
    this.regexes.set(source, regex);
    return regex;
  }

  path(glob: string, place: GlobPlace): PathGlob[] {
    return kept(this.paths, `${place.root}\n${glob}`, () => pathGlobs(glob, place));
  }

  command(glob: string): CommandPattern[] {
    return kept(this.commands, glob, () => commandPatterns(glob));
  }

  /** Of names: of tools, servers. Case does not count. */
  text(pattern: TextPattern): (text: string) => boolean {
    if ('regex' in pattern) {
      const regex = this.regex(pattern.regex);
      return (text) => regex.test(text);
    }
    return kept(this.texts, pattern.glob, () => textGlob(pattern.glob, true));
  }
}

function kept<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
