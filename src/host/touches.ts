import * as vscode from 'vscode';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import { Pace } from './pace.ts';
import { type FileSource, TouchedFiles } from './touchedFiles.ts';

const UPDATES_PER_SECOND = 4;

/** The files that the sessions in focus touched, kept up to date for marks and badges. */
export class Touches implements vscode.Disposable {
  private readonly files = new TouchedFiles();
  private readonly changed = new vscode.EventEmitter<ReadonlySet<string>>();
  /** Keys of the files of which something is new. */
  readonly onDidChange = this.changed.event;
  private readonly focus: Focus;
  private readonly pace = new Pace(() => this.update(), UPDATES_PER_SECOND);
  private readonly subscriptions: vscode.Disposable[];
  private stopListening: () => void;

  constructor(engine: Engine, focus: Focus) {
    this.focus = focus;
    this.stopListening = engine.live.onChange(() => this.pace.ask());
    this.subscriptions = [
      this.changed,
      focus.onDidChange(() => this.pace.ask()),
      engine.onDidReplace((live) => {
        this.stopListening();
        this.stopListening = live.onChange(() => this.pace.ask());
        this.pace.ask();
      }),
    ];
    this.pace.ask();
  }

  private update(): void {
    const keys = this.files.update(this.focus.sessions);
    if (keys.size > 0) this.changed.fire(keys);
  }

  sourcesOf(keys: readonly string[]): FileSource[] {
    return this.files.sourcesOf(keys);
  }

  dispose(): void {
    this.stopListening();
    this.pace.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
