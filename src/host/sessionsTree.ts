import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { ControlInfo } from '../protocol/stream.ts';
import { badLines } from '../trace/session.ts';
import type { SessionEntry } from '../trace/store.ts';
import type { Engine } from './engine.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveSessions } from './liveSessions.ts';
import { Pace } from './pace.ts';
import { linkSessions, type SessionLink, startedBy } from './sessionLinks.ts';
import { GroupNode, groupItem, type Node, SessionNode, sessionItem } from './sessionNodes.ts';
import {
  groupSessions,
  groupText,
  type SessionFacts,
  sessionRow,
  sessionTooltip,
} from './sessionsModel.ts';
import { EXPIRY_MS } from './statusText.ts';
import type { TranscriptSession } from './transcriptSessions.ts';

const SESSIONS_VIEW = 'agentStrace.sessions';

/** A day that opens waits for its words so long, ms. */
const SOON_MS = 300;
/** Sessions that are read one after the other are drawn together, ms. */
const TOGETHER_MS = 300;

/** The list of sessions: those that are going on, then the others by day. */
export class SessionsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly engine: Engine;
  private readonly controlOf: (session: LiveSession) => ControlInfo;
  private readonly changed = new vscode.EventEmitter<Node[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Node>;
  private readonly pace: Pace;
  private readonly clock: ReturnType<typeof setInterval>;
  private readonly subscriptions: vscode.Disposable[];
  private stopListening: () => void;
  private groups: GroupNode[] = [];
  /** Which session started which. */
  private links: ReadonlyMap<string, SessionLink> = new Map();
  private readonly transcriptFacts = new WeakMap<TranscriptSession, SessionFacts>();
  private readonly nodes = new Map<string, SessionNode>();
  /** Of those that are over, made once: there may be thousands. */
  private readonly pastFacts = new Map<string, { read: object | undefined; facts: SessionFacts }>();
  private order = '';
  private hasUnrecorded = false;
  private due = new Set<Node>();
  private allDue = false;
  private together: ReturnType<typeof setTimeout> | undefined;

  constructor(engine: Engine, controlOf: (session: LiveSession) => ControlInfo) {
    this.engine = engine;
    this.controlOf = controlOf;
    this.pace = new Pace(() => this.refresh(), 2);
    this.stopListening = this.listen(engine.live);
    this.view = vscode.window.createTreeView<Node>(SESSIONS_VIEW, {
      treeDataProvider: this,
      showCollapseAll: true,
      // Two are compared.
      canSelectMany: true,
    });
    // By the clock alone a session falls silent, its minutes go on, and a day ends.
    this.clock = setInterval(() => {
      if (!this.view.visible) return;
      void this.lookUp().then(() => this.ask());
      this.lookForTranscripts();
    }, EXPIRY_MS);
    this.subscriptions = [
      this.changed,
      this.view,
      this.view.onDidChangeVisibility(({ visible }) => {
        if (!visible) return;
        this.pace.ask();
        this.lookForTranscripts();
      }),
      engine.onDidReadPast(() => this.askTogether()),
      engine.onDidReplace((live) => {
        this.stopListening();
        this.stopListening = this.listen(live);
        this.ask();
        if (this.view.visible) this.lookForTranscripts();
      }),
    ];
  }

  /** Agents' own transcripts are many files, and somebody looks at the list: nothing waits for them. */
  private lookForTranscripts(): void {
    void this.engine.transcripts.look();
  }

  /** Shows a session in the list, and puts the cursor on it. */
  async reveal(key: string): Promise<void> {
    // It may have come this moment.
    this.refresh();
    const node = this.nodes.get(key);
    if (node) await this.view.reveal(node, { select: true, focus: true });
  }

  /** Key of the session that started this one, where both are in the list. */
  starterOf(key: string): string | undefined {
    return this.links.get(key)?.parent?.key;
  }

  /** The sessions in agents' own transcripts that are not recorded. */
  get unrecorded(): TranscriptSession[] {
    const recorded = new Set(this.engine.live.all.map(({ entry }) => entry.id));
    return this.engine.transcripts.all.filter(({ id }) => !recorded.has(id));
  }

  /** What is said of sessions beside their events changed. */
  ask(): void {
    if (this.view.visible) this.pace.ask();
  }

  private listen(live: LiveSessions): () => void {
    return live.onChange(() => this.ask());
  }

  private askTogether(): void {
    this.together ??= setTimeout(() => {
      this.together = undefined;
      this.ask();
    }, TOGETHER_MS);
  }

  async getChildren(node?: Node): Promise<Node[]> {
    await this.lookUp();
    if (node) {
      // What is shown with a session sums up those that it started.
      const facts =
        node instanceof GroupNode ? node.group.all : startedBy(node.sessionKey, this.links);
      const read = this.read(new Set(facts.map(({ key }) => key)));
      // A day that is read soon is drawn once, with its words.
      await Promise.race([read, sleep(SOON_MS)]);
      this.update();
      this.askTogether();
      return node.children;
    }
    this.lookForTranscripts();
    this.update();
    // All is drawn anew.
    this.due.clear();
    this.allDue = false;
    return this.groups;
  }

  private async lookUp(): Promise<void> {
    await this.engine.past.lookUp(this.engine.live.all.filter(({ entry }) => entry.size > 0));
  }

  private async read(keys: ReadonlySet<string>): Promise<void> {
    const { live, past, transcripts } = this.engine;
    const { all } = live;
    await past.want(
      all.filter(({ key }) => keys.has(key) && !live.get(key)),
      all,
    );
    await transcripts.want([...keys]);
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return node instanceof GroupNode ? groupItem(node) : sessionItem(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: Node): vscode.TreeItem {
    if (node instanceof SessionNode) {
      item.tooltip = new vscode.MarkdownString(sessionTooltip(node.facts, this.links));
    }
    return item;
  }

  getParent(node: Node): Node | undefined {
    return node instanceof GroupNode ? undefined : node.parent;
  }

  /** Tells of what changed, and of nothing else: rows that stay as they are do not flicker. */
  private refresh(): void {
    this.update();
    const { due, allDue } = this;
    this.allDue = false;
    this.due = new Set();
    if (allDue) this.changed.fire(undefined);
    else if (due.size > 0) this.changed.fire([...due]);
  }

  /** Brings the nodes up to date, and notes what must be drawn anew. */
  private update(): void {
    const nowMs = Date.now();
    const all = this.facts(nowMs);
    this.links = linkSessions(all);
    const groups = groupSessions(all, nowMs, this.links);
    const before = new Map(this.groups.map((node) => [node.id, node]));
    const kept = new Set<string>();
    let moves = 0;
    /** @returns whether other sessions are in it, or in another order */
    const fill = (node: Node, sessions: readonly SessionFacts[]): boolean => {
      const moved =
        node.children.length !== sessions.length ||
        sessions.some(({ key }, at) => node.children[at]?.sessionKey !== key);
      node.children = sessions.map((facts) => {
        kept.add(facts.key);
        const child = this.nodeOf(facts, nowMs);
        child.parent = node;
        const nested = this.links.get(facts.key)?.children ?? [];
        if (fill(child, nested)) this.due.add(child);
        return child;
      });
      if (moved) moves++;
      return moved;
    };
    this.groups = groups.map((group) => {
      const node = before.get(group.id) ?? new GroupNode(group);
      node.group = group;
      const moved = fill(node, group.sessions);
      const shown = `${group.label} ${groupText(group)}`;
      if (moved || shown !== node.shown) this.due.add(node);
      node.shown = shown;
      return node;
    });
    for (const key of this.nodes.keys()) {
      if (kept.has(key)) continue;
      this.due.delete(this.nodes.get(key)!);
      this.nodes.delete(key);
      this.pastFacts.delete(key);
    }
    const order = this.groups.map(({ id }) => id).join(' ');
    // One that went from group to group must not be in both for a moment.
    this.allDue ||= order !== this.order || moves > 1;
    this.order = order;
  }

  private nodeOf(facts: SessionFacts, nowMs: number): SessionNode {
    const node = this.nodes.get(facts.key);
    const linked = this.links.has(facts.key);
    // What it says of others may change without it.
    if (node?.facts === facts && !linked && !node.linked) return node;
    const row = sessionRow(facts, nowMs, this.links);
    if (!node) {
      const fresh = new SessionNode(facts, row);
      fresh.linked = linked;
      this.nodes.set(facts.key, fresh);
      return fresh;
    }
    if (JSON.stringify(node.row) !== JSON.stringify(row)) this.due.add(node);
    node.facts = facts;
    node.row = row;
    node.linked = linked;
    return node;
  }

  private facts(nowMs: number): SessionFacts[] {
    const { live } = this.engine;
    const several = new Set(live.folders.map(({ workspace }) => workspace)).size > 1;
    const recorded = live.all.flatMap(({ key, entry, workspace }) => {
      // Nothing is written yet.
      if (entry.size === 0) return [];
      const shownWorkspace = several ? workspace : '';
      const session = live.get(key);
      return session && !session.loading
        ? this.factsOfLive(session, shownWorkspace, nowMs)
        : this.factsOfPast({ key, entry }, shownWorkspace);
    });
    const { unrecorded } = this;
    if (unrecorded.length > 0 !== this.hasUnrecorded) {
      this.hasUnrecorded = unrecorded.length > 0;
      const context = 'agentStrace.hasTranscripts';
      void vscode.commands.executeCommand('setContext', context, this.hasUnrecorded);
    }
    return [...recorded, ...unrecorded.map((one) => this.factsOfTranscript(one, several))];
  }

  private factsOfTranscript(session: TranscriptSession, several: boolean): SessionFacts {
    const known = this.transcriptFacts.get(session);
    const workspace = several ? session.folder.name : '';
    if (known?.workspace === workspace) return known;
    const { key, id, lastMs, badLines, agent, title, path, parent, summary } = session;
    const facts: SessionFacts = {
      key,
      id,
      workspace,
      lastMs,
      badLines,
      control: false,
      paused: false,
      transcript: { agent, title, path },
    };
    if (parent !== undefined) facts.parent = parent;
    if (summary) facts.summary = summary;
    this.transcriptFacts.set(session, facts);
    return facts;
  }

  private factsOfLive(session: LiveSession, workspace: string, nowMs: number): SessionFacts {
    const control = this.controlOf(session);
    const summary = session.summary(nowMs);
    const parent = this.engine.past.parentOf(session);
    return {
      ...(parent === undefined ? {} : { parent }),
      key: session.key,
      id: session.id,
      workspace,
      summary,
      lastMs: summary.lastMs,
      control: control.kind !== 'none',
      paused: control.paused,
      badLines: badLines(session.trace.problems),
    };
  }

  private factsOfPast(found: { key: string; entry: SessionEntry }, workspace: string) {
    const { key, entry } = found;
    const read = this.engine.past.get(found);
    const name = this.engine.names.get(entry.traceDir, entry.id);
    const lastMs = this.engine.past.lastMs(found);
    const parent = this.engine.past.parentOf(found);
    const before = this.pastFacts.get(key);
    if (
      before &&
      before.read === read &&
      before.facts.lastMs === lastMs &&
      before.facts.workspace === workspace &&
      before.facts.parent === parent &&
      (!read || before.facts.summary?.title === (name ?? read.summary.title))
    ) {
      return before.facts;
    }
    const facts: SessionFacts = {
      key,
      id: entry.id,
      workspace,
      lastMs,
      control: false,
      paused: false,
      badLines: read?.badLines ?? 0,
    };
    if (parent !== undefined) facts.parent = parent;
    if (read) facts.summary = name === undefined ? read.summary : { ...read.summary, title: name };
    this.pastFacts.set(key, { read, facts });
    return facts;
  }

  dispose(): void {
    clearInterval(this.clock);
    clearTimeout(this.together);
    this.stopListening();
    this.pace.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
