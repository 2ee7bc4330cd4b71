import type { LiveSession } from './liveSession.ts';

/** A search reads so many steps, then the editor has its turn. */
const FIND_ROWS = 300;
const FIND_TEXT = 500;

/** Looks for text in the words of a session's steps; a new search ends the one before. */
export class StepSearch {
  private current = 0;

  /**
   * @param text whatever its case; what is beyond 500 characters does not count
   * @param answer called for what was found on the way, the last time with `done`
   */
  find(
    session: LiveSession,
    text: string,
    from: number,
    answer: (rows: Uint32Array, done: boolean) => void,
  ): void {
    const search = ++this.current;
    const wanted = text.slice(0, FIND_TEXT).toLowerCase();
    let at = from;
    const turn = (): void => {
      if (search !== this.current) return;
      const to = Math.min(at + FIND_ROWS, session.trace.fold.steps.length);
      const found: number[] = [];
      for (const { row, verb, target, detail, rule } of session.trace.describe(at, to)) {
        const words = `${verb} ${target} ${detail} ${rule ?? ''}`;
        if (words.toLowerCase().includes(wanted)) found.push(row);
      }
      at = to;
      const done = at >= session.trace.fold.steps.length;
      if (found.length > 0 || done) answer(Uint32Array.from(found), done);
      if (!done) setImmediate(turn);
    };
    turn();
  }

  /** Ends the search that is under way. */
  stop(): void {
    this.current++;
  }
}
