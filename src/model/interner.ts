const OTHERS = '(others)';

/** Small numbers for repeated names. Bounded: a hostile trace may hold a new name in every event. */
export class Interner {
  readonly names: string[];
  private readonly codes = new Map<string, number>();
  private readonly max: number;
  private readonly longest: number;

  /**
   * @param first the name with code 0
   * @param max past so many names, all others share one code
   * @param longest names are cut to so many characters
   */
  constructor(first = '', max = 65_535, longest = 300) {
    this.names = [first];
    this.codes.set(first, 0);
    this.max = max;
    this.longest = longest;
  }

  code(name: string): number {
    const key = name.length > this.longest ? `${name.slice(0, this.longest - 1)}…` : name;
    const known = this.codes.get(key);
    if (known !== undefined) return known;
    if (this.names.length >= this.max - 1 && key !== OTHERS) return this.code(OTHERS);
    const code = this.names.length;
    this.names.push(key);
    this.codes.set(key, code);
    return code;
  }

  find(name: string): number | undefined {
    return this.codes.get(name);
  }

  name(code: number): string {
    return this.names[code] ?? '';
  }

  save(): string[] {
    return [...this.names];
  }

  load(names: readonly string[]): void {
    this.names.length = 0;
    this.codes.clear();
    for (const name of names) {
      this.codes.set(name, this.names.length);
      this.names.push(name);
    }
  }
}
