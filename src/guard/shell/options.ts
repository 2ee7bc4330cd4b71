/** The options of a program's arguments, as getopt reads them. */
import { isUnknown, type Pattern } from './pattern.ts';

export class Options {
  readonly operands: Pattern[] = [];
  private readonly found = new Map<string, Pattern[]>();

  /**
   * @param valued options that take a value, by name: `'o output'`
   * @param leading stop at the first operand: what follows is another command
   */
  constructor(words: readonly Pattern[], valued = '', leading = false) {
    const takes = new Set(valued.split(' ').filter(Boolean));
    const long = [...takes].filter((name) => name.length > 1);
    for (let at = 0; at < words.length; at++) {
      const word = words[at]!;
      if (word === '--' || !word.startsWith('-') || word === '-' || isUnknown(word[1] ?? '')) {
        if (leading || word === '--') {
          this.operands.push(...words.slice(word === '--' ? at + 1 : at));
          return;
        }
        this.operands.push(word);
      } else if (word.startsWith('--')) {
        const cut = word.indexOf('=');
        const name = word.slice(2, cut < 0 ? undefined : cut);
        if (cut > 0) this.add(name, word.slice(cut + 1));
        else if (takes.has(name) || (name.length > 2 && long.some((l) => l.startsWith(name))))
          this.add(name, words[++at] ?? '');
        else this.add(name);
      } else {
        // One dash: letters, the last of which may take the rest as its value; `-name` as a whole, too,
        // for programs that write long options so.
        this.add(word.slice(1));
        if (takes.has(word.slice(1)) && word.length > 2) {
          this.add(word.slice(1), words[++at] ?? '');
          continue;
        }
        for (let letter = 1; letter < word.length; letter++) {
          const name = word[letter]!;
          if (!takes.has(name)) this.add(name);
          else {
            this.add(name, word.slice(letter + 1) || (words[++at] ?? ''));
            break;
          }
        }
      }
    }
  }

  private add(name: string, value?: Pattern): void {
    const values = this.found.get(name) ?? [];
    if (value !== undefined) values.push(value);
    this.found.set(name, values);
  }

  /** Whether one of the options is there; long ones also when they are cut short. */
  has(...names: string[]): boolean {
    return names.some((name) => {
      if (this.found.has(name)) return true;
      if (name.length < 4) return false;
      for (const given of this.found.keys())
        if (given.length > 2 && name.startsWith(given)) return true;
      return false;
    });
  }

  /** All values of these options, in no particular order. */
  values(...names: string[]): Pattern[] {
    return [...this.found].flatMap(([given, values]) =>
      names.some(
        (name) => name === given || (given.length > 2 && name.length > 3 && name.startsWith(given)),
      )
        ? values
        : [],
    );
  }
}
