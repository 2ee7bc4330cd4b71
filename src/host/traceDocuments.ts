import * as vscode from 'vscode';

/** Read-only documents about recorded sessions: events, files as they were, reports. */
export const TRACE_SCHEME = 'agent-trace';

/** Makes the text of one kind of document. */
export type DocumentMaker = (query: URLSearchParams, uri: vscode.Uri) => string | Promise<string>;

/** The one provider of all documents of ours; what they say comes from a maker by kind. */
export class TraceDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly makers = new Map<string, DocumentMaker>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registration: vscode.Disposable;

  constructor() {
    this.registration = vscode.workspace.registerTextDocumentContentProvider(TRACE_SCHEME, this);
  }

  /** Who makes documents of this kind. */
  provide(kind: string, maker: DocumentMaker): void {
    this.makers.set(kind, maker);
  }

  /** @param path by whose end the editor knows the language */
  uri(kind: string, path: string, values: Record<string, string>): vscode.Uri {
    return vscode.Uri.from({
      scheme: TRACE_SCHEME,
      path: path.startsWith('/') ? path : `/${path}`,
      query: new URLSearchParams({ kind, ...values }).toString(),
    });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const query = new URLSearchParams(uri.query);
    const maker = this.makers.get(query.get('kind') ?? '');
    return maker
      ? await maker(query, uri)
      : `${vscode.l10n.t('This document is no longer known.')}\n`;
  }

  /** What a document says may be another thing now. */
  refresh(uri: vscode.Uri): void {
    this.changed.fire(uri);
  }

  /** The same of all open documents of a kind. */
  refreshAll(kind: string): void {
    for (const uri of this.opened(kind)) this.changed.fire(uri);
  }

  /** Addresses of the documents of a kind that are open. */
  opened(kind: string): vscode.Uri[] {
    return vscode.workspace.textDocuments
      .map(({ uri }) => uri)
      .filter((uri) => kindOf(uri) === kind);
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}

/** What a document is of; undefined: none of ours. */
export const kindOf = (uri: vscode.Uri): string | undefined =>
  uri.scheme === TRACE_SCHEME ? (new URLSearchParams(uri.query).get('kind') ?? '') : undefined;
