/** Watches each session that goes on, for rules that no call trips. No `vscode` in here. */
import { dirname } from 'node:path';
import type { Engine } from '../engine.ts';
import type { LiveSession } from '../liveSession.ts';
import type { GuardEngine, SessionGuard } from './engine.ts';

/** Between two looks at a session, ms. */
const TICK_MS = 1000;

/** A session and what watches it. */
interface Watched {
  guard: SessionGuard;
  forecast?: string;
}

export class Monitors {
  private readonly guard: GuardEngine;
  private readonly engine: Pick<Engine, 'live'>;
  private readonly changed: () => void;
  /** By the session's key. */
  private readonly watched = new Map<string, Watched>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running = false;
  private closed = false;

  constructor(guard: GuardEngine, engine: Pick<Engine, 'live'>, changed: () => void) {
    this.guard = guard;
    this.engine = engine;
    this.changed = changed;
  }

  /** @param on restricted windows watch nothing: hooks still deny */
  run(on: boolean): void {
    if (on === this.running || this.closed) return;
    this.running = on;
    if (on) this.next();
    else this.drop(new Set());
  }

  get count(): number {
    return this.watched.size;
  }

  /** The nearest, of whichever session. */
  get forecast(): string | undefined {
    return [...this.watched.values()].find(({ forecast }) => forecast !== undefined)?.forecast;
  }

  forecastOf(key: string): string | undefined {
    return this.watched.get(key)?.forecast;
  }

  private next(): void {
    this.timer = setTimeout(() => {
      this.tick().then(
        () => this.running && !this.closed && this.next(),
        () => this.running && !this.closed && this.next(),
      );
    }, TICK_MS);
    this.timer.unref?.();
  }

  private async tick(): Promise<void> {
    const nowMs = Date.now();
    const active = this.engine.live.sessions.filter(
      (session) => session.record !== undefined && session.isActive(nowMs),
    );
    const before = this.said;
    this.drop(new Set(active.map(({ key }) => key)));
    for (const session of active) {
      if (!this.running) return;
      const one = this.watched.get(session.key) ?? this.begin(session);
      if (!one) continue;
      const said = await one.guard.tick(Date.now());
      if (said === undefined) delete one.forecast;
      else one.forecast = said;
    }
    if (this.said !== before) this.changed();
  }

  private get said(): string {
    return [...this.watched].map(([key, { forecast }]) => `${key} ${forecast ?? ''}`).join('\n');
  }

  private begin({ key, id, traceDir, record }: LiveSession): Watched | undefined {
    const project = record?.project || dirname(traceDir);
    const guard = this.guard.guard({ id, traceDir, project });
    if (!guard) return undefined;
    const one = { guard };
    this.watched.set(key, one);
    return one;
  }

  private drop(keep: ReadonlySet<string>): void {
    for (const [key, { guard }] of this.watched) {
      if (keep.has(key)) continue;
      guard.close();
      this.watched.delete(key);
    }
  }

  dispose(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.drop(new Set());
  }
}
