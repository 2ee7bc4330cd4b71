/** The calls that wait, as the window shows them: those that were answered stay for a moment. No `vscode` in here. */
import type { Approval } from '../../guard/approvals.ts';
import type { Said } from './guardState.ts';

/** An answered one is shown for so long, ms. */
const SAID_MS = 5000;
/** What a person has had before their eyes for less than this, they have not read, ms. */
const READ_MS = 1000;

export interface ShownRequest {
  request: Approval;
  here: boolean;
  said?: Said;
  /** ms since the epoch. */
  seenMs: number;
}

export class Requests {
  private shown = new Map<string, ShownRequest>();

  /** @returns those that are new */
  take(
    pending: readonly Approval[],
    isHere: (request: Approval) => boolean,
    nowMs: number,
  ): ShownRequest[] {
    const fresh: ShownRequest[] = [];
    const ids = new Set(pending.map(({ id }) => id));
    for (const request of pending) {
      const known = this.shown.get(request.id);
      if (known) {
        known.request = request;
        continue;
      }
      const one = { request, here: isHere(request), seenMs: nowMs };
      this.shown.set(request.id, one);
      fresh.push(one);
    }
    for (const [id, one] of this.shown) {
      if (!ids.has(id) && !one.said) {
        const late = nowMs >= one.request.until * 1000 - 1500;
        one.said = { answer: late ? 'late' : 'gone', atMs: nowMs };
      }
      if (one.said && nowMs - one.said.atMs > SAID_MS && !ids.has(id)) this.shown.delete(id);
    }
    return fresh;
  }

  /** This window's folders first, then by age: nothing changes its place. */
  get all(): ShownRequest[] {
    return [...this.shown.values()].sort(
      (a, b) => Number(b.here) - Number(a.here) || a.request.at - b.request.at,
    );
  }

  waiting(nowMs: number): ShownRequest[] {
    return this.all.filter(({ said, request }) => !said && request.until * 1000 > nowMs);
  }

  get(id: string): ShownRequest | undefined {
    return this.shown.get(id);
  }

  say(id: string, answer: Said['answer'], nowMs: number): void {
    const one = this.shown.get(id);
    if (one) one.said = { answer, atMs: nowMs };
  }

  /** The one that a key answers; undefined: none, or it has just come and nobody can have read it. */
  next(nowMs: number): ShownRequest | undefined {
    const [first] = this.waiting(nowMs);
    return first && nowMs - first.seenMs >= READ_MS ? first : undefined;
  }
}
