import * as vscode from 'vscode';
import type { Engine } from './engine.ts';
import type { LiveSession } from './liveSession.ts';
import { urgency } from './statusText.ts';

/**
 * Which sessions the window is about: the marks in the editor, the changes view, and commands that
 * were given no session.
 */
export class Focus implements vscode.Disposable {
  private readonly engine: Engine;
  private readonly changed = new vscode.EventEmitter<void>();
  /** Another session is pinned or selected, or sessions began or ended. */
  readonly onDidChange = this.changed.event;
  private readonly pinnedOne: Held;
  private readonly selectedOne: Held;
  private stopListening: () => void;
  private readonly subscriptions: vscode.Disposable[];
  private told = '';

  constructor(engine: Engine) {
    this.engine = engine;
    this.pinnedOne = new Held(engine);
    this.selectedOne = new Held(engine);
    this.stopListening = engine.live.onChange(() => this.tell());
    this.subscriptions = [
      this.changed,
      engine.onDidReplace((live) => {
        this.stopListening();
        this.stopListening = live.onChange(() => this.tell());
        this.pinnedOne.holdAnew();
        this.selectedOne.holdAnew();
        this.tell();
      }),
    ];
  }

  /** Key of the session that the person pinned; undefined: the live ones are followed. */
  get pinned(): string | undefined {
    return this.pinnedOne.key;
  }

  /**
   * Those whose marks are shown: the pinned one; else all that are going on, or the one that was last
   * active, with those that ran at the same time: their work is looked through together.
   */
  get sessions(): LiveSession[] {
    if (this.pinned !== undefined) {
      const pinned = this.engine.live.get(this.pinned);
      return pinned ? [pinned] : [];
    }
    const nowMs = Date.now();
    const all = this.engine.live.sessions;
    const active = all.filter((session) => session.isActive(nowMs));
    const sinceMs = Math.min(
      ...(active.length > 0 ? active : all.slice(0, 1)).map(
        ({ trace }) => trace.fold.session.firstMs,
      ),
    );
    return all.filter(({ trace }) => trace.fold.session.lastMs >= sinceMs);
  }

  /** The session that the person pinned, or else looks at. */
  get chosen(): LiveSession | undefined {
    const { live } = this.engine;
    return live.get(this.pinned ?? '') ?? live.get(this.selectedOne.key ?? '');
  }

  /** The one session that a command means which names none. */
  get session(): LiveSession | undefined {
    const { live } = this.engine;
    const { chosen } = this;
    if (chosen) return chosen;
    const nowMs = Date.now();
    return live.sessions
      .map((session) => ({ session, rank: urgency(session.status(nowMs)) }))
      .sort((a, b) => b.rank - a.rank)[0]?.session;
  }

  /** Shows the marks of this session only; undefined follows the live ones again. */
  pin(key: string | undefined): void {
    if (key === this.pinned) return;
    this.pinnedOne.set(key);
    void vscode.commands.executeCommand('setContext', 'agentStrace.pinned', key !== undefined);
    this.tell();
  }

  /** The person looks at this session: in the event stream, a replay, or the list of changes. */
  select(key: string): void {
    this.selectedOne.set(key);
    this.tell();
  }

  private tell(): void {
    const now = JSON.stringify([
      this.pinned,
      this.session?.key,
      this.sessions.map(({ key, trace }) => [key, trace.epoch]),
    ]);
    if (now === this.told) return;
    this.told = now;
    this.changed.fire();
  }

  dispose(): void {
    this.stopListening();
    this.pinnedOne.set(undefined);
    this.selectedOne.set(undefined);
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** A session that stays open however old it is, also when the engine is built anew. */
class Held {
  key: string | undefined;
  private readonly engine: Engine;
  private release: (() => void) | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  set(key: string | undefined): void {
    if (key === this.key) return;
    const release = key === undefined ? undefined : this.engine.live.hold(key);
    this.release?.();
    this.release = release;
    this.key = key;
  }

  /** The engine that it was held in is gone. */
  holdAnew(): void {
    this.release = this.key === undefined ? undefined : this.engine.live.hold(this.key);
  }
}
