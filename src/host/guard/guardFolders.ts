/** Tells when a trip or a question was written, answered or settled. No `vscode` in here. */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { guardPlace } from '../../guard/guardHome.ts';

/** File events may be lost, and the folders may come later, ms. */
const LOOK_MS = 1000;
/** Several files are written at once, ms. */
const SETTLE_MS = 30;

type Env = Record<string, string | undefined>;

export class GuardFolders {
  private readonly watchers = new Map<string, FSWatcher>();
  private readonly timer: ReturnType<typeof setInterval>;
  private scheduled: ReturnType<typeof setTimeout> | undefined;
  private stamp: string;
  private readonly folders: string[];
  private readonly changed: () => void;

  constructor(changed: () => void, env: Env = process.env) {
    this.changed = changed;
    this.folders = ['trips', 'asked'].map((name) => guardPlace(env, name));
    this.watch();
    this.stamp = this.stampNow();
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.timer.unref?.();
  }

  private watch(): void {
    for (const folder of this.folders) {
      if (this.watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: false }, () => this.soon());
        const forget = () => {
          watcher.close();
          this.watchers.delete(folder);
        };
        watcher.on('error', forget);
        this.watchers.set(folder, watcher);
      } catch {
        // Not there yet: it is looked for again.
      }
    }
  }

  private look(): void {
    const stamp = this.stampNow();
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    // It may be another folder of that name.
    for (const [folder, watcher] of this.watchers) {
      if (stamp.includes(`${folder} -`)) {
        watcher.close();
        this.watchers.delete(folder);
      }
    }
    this.watch();
    this.soon();
  }

  private stampNow(): string {
    return this.folders
      .map((folder) => {
        const stat = statSync(folder, { throwIfNoEntry: false });
        return `${folder} ${stat ? `${stat.ino} ${stat.mtimeMs}` : '-'}`;
      })
      .join('\n');
  }

  private soon(): void {
    this.scheduled ??= setTimeout(() => {
      this.scheduled = undefined;
      this.stamp = this.stampNow();
      this.changed();
    }, SETTLE_MS);
  }

  dispose(): void {
    clearInterval(this.timer);
    clearTimeout(this.scheduled);
    for (const watcher of this.watchers.values()) watcher.close();
  }
}
