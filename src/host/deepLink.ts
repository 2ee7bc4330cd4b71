import * as vscode from 'vscode';
import { isSafeSessionId } from '../trace/paths.ts';
import type { Engine } from './engine.ts';

/** As the manifest has them. */
const EXTENSION = 'agent-strace.agent-strace';
const PATH = '/replay';
/** Trace folders are looked through soon after the window's start, ms. */
const PATIENCE_MS = 8000;
const LOOK_MS = 100;

/** A link that opens the replay of a session at a step, in the window that has the session. @param step from 0 */
export function replayLink(sessionId: string, step: number): string {
  const query = new URLSearchParams({ session: sessionId, step: `${step + 1}` });
  return `${vscode.env.uriScheme}://${EXTENSION}${PATH}?${query}`;
}

/**
 * Opens such links. They may come from anywhere: a session is looked for by its id among those of the open folders, and
 * nothing else is done. (VS Code asks the person first.)
 */
export class DeepLinks implements vscode.UriHandler, vscode.Disposable {
  private readonly engine: Engine;
  private readonly registration: vscode.Disposable;

  constructor(engine: Engine) {
    this.engine = engine;
    this.registration = vscode.window.registerUriHandler(this);
  }

  async handleUri(uri: vscode.Uri): Promise<void> {
    const query = new URLSearchParams(uri.query);
    const id = query.get('session');
    if (uri.path !== PATH || !isSafeSessionId(id)) {
      void vscode.window.showWarningMessage(
        vscode.l10n.t('This link names no session that Agent Strace could open.'),
      );
      return;
    }
    const key = await this.find(id);
    if (key === undefined) {
      void vscode.window.showWarningMessage(
        vscode.l10n.t(
          'The session of this link is in none of the open folders. Open the folder that its agent worked in, then the link again.',
        ),
      );
      return;
    }
    const step = Number(query.get('step') ?? '');
    const at = Number.isSafeInteger(step) && step > 0 ? [step - 1] : [];
    await vscode.commands.executeCommand('agentStrace.replay', key, ...at);
  }

  private async find(id: string): Promise<string | undefined> {
    const endMs = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = this.engine.live.all.find(({ entry }) => entry.id === id);
      if (found) {
        await this.engine.live.look(found.entry.traceDir);
        return found.key;
      }
      if (Date.now() > endMs) return undefined;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  dispose(): void {
    this.registration.dispose();
  }
}
