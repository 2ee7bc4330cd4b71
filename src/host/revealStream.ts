import * as vscode from 'vscode';
import type { Engine } from './engine.ts';
import type { StatusBar } from './statusBar.ts';
import { STREAM_VIEW } from './streamView.ts';

/** Shows the event stream when a session begins, for those who asked for it in their settings. */
export function revealStreamAtStart(engine: Engine, statusBar: StatusBar): vscode.Disposable {
  const known = new Set<string>();
  const openedMs = Date.now();
  return statusBar.onDidChange(() => {
    const begun = engine.live.sessions.filter((session) => !known.has(session.key));
    for (const session of begun) known.add(session.key);
    const news = begun.some((session) => session.summary(Date.now()).startedAtMs >= openedMs);
    const wanted = vscode.workspace
      .getConfiguration('agentStrace')
      .get<boolean>('stream.revealOnStart', false);
    if (news && wanted) void vscode.commands.executeCommand(`${STREAM_VIEW}.focus`);
  });
}
