import * as vscode from 'vscode';
import type { ChangeContents } from './changeContents.ts';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import type { TraceDocuments } from './traceDocuments.ts';
import type { UnderstandCommand, UnderstandPart } from './understandPart.ts';

/** Panels of reports. */
export const REPORT_VIEW = 'agentStrace.report';

/** What the part is made of. */
export interface UnderstandDeps {
  extensionUri: vscode.Uri;
  engine: Engine;
  focus: Focus;
  documents: TraceDocuments;
  contents: ChangeContents;
  /** The step by which the line of the cursor is marked. */
  markedStep(): { key: string; step: number } | undefined;
  log: vscode.LogOutputChannel;
}

const COMMANDS: readonly UnderstandCommand[] = [
  'explain',
  'showTimeline',
  'showCost',
  'showContext',
  'showBudget',
  'showTree',
  'showStats',
  'inspectStep',
  'diff',
  'why',
  'annotate',
  'searchSessions',
  'openFileAsOf',
  'showRangeChanges',
  'showAllChanges',
];

/** The commands that take analyses, and when their part is loaded: when one is run, or a replay is shown. */
export class UnderstandHost implements vscode.Disposable {
  private readonly deps: UnderstandDeps;
  private loading: Promise<UnderstandPart> | undefined;
  private part: UnderstandPart | undefined;
  private closed = false;
  private readonly subscriptions: vscode.Disposable[];

  constructor(deps: UnderstandDeps) {
    this.deps = deps;
    this.subscriptions = [
      ...COMMANDS.map((id) =>
        vscode.commands.registerCommand(`agentStrace.${id}`, async (...values: unknown[]) =>
          (await this.load()).run(id, values),
        ),
      ),
      vscode.window.registerWebviewPanelSerializer(REPORT_VIEW, {
        deserializeWebviewPanel: async (panel, state: unknown) =>
          (await this.load()).restoreReport(panel, state),
      }),
    ];
  }

  async load(): Promise<UnderstandPart> {
    this.loading ??= import('./understandPart.ts').then(({ UnderstandPart }) => {
      const part = new UnderstandPart(this.deps);
      if (this.closed) part.dispose();
      this.part = part;
      return part;
    });
    return await this.loading;
  }

  dispose(): void {
    this.closed = true;
    this.part?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
