import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { ControlInfo } from '../protocol/stream.ts';
import { badLines } from '../trace/session.ts';
import type { SessionEntry } from '../trace/store.ts';
import type { Engine } from './engine.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveSessions } from './liveSessions.ts';
import { Pace } from './pace.ts';
import {
  groupSessions,
  groupText,
  type SessionFacts,
  type SessionGroup,
  type SessionRow,
  sessionRow,
  sessionTooltip,
} from './sessionsModel.ts';
import { EXPIRY_MS } from './statusText.ts';

export const SESSIONS_VIEW = 'agentStrace.sessions';

/** A day that opens waits for its words so long, ms. */
const SOON_MS = 300;
/** Sessions that are read one after the other are drawn together, ms. */
const TOGETHER_MS = 300;

/** A day, or those that are going on. */
class GroupNode {
  readonly id: string;
  group: SessionGroup;
  children: SessionNode[] = [];
  shown = '';
  constructor(group: SessionGroup) {
    this.id = group.id;
    this.group = group;
  }
}

/** One session; commands take it by its `sessionKey`. */
class SessionNode {
  readonly sessionKey: string;
  facts: SessionFacts;
  row: SessionRow;
  constructor(facts: SessionFacts, row: SessionRow) {
    this.sessionKey = facts.key;
    this.facts = facts;
    this.row = row;
  }
}

type Node = GroupNode | SessionNode;

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
  private readonly nodes = new Map<string, SessionNode>();
  /** Of those that are over, made once: there may be thousands. */
  private readonly pastFacts = new Map<string, { read: object | undefined; facts: SessionFacts }>();
  private order = '';
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
    });
    // By the clock alone a session falls silent, its minutes go on, and a day ends.
    this.clock = setInterval(() => this.ask(), EXPIRY_MS);
    this.subscriptions = [
      this.changed,
      this.view,
      this.view.onDidChangeVisibility(({ visible }) => {
        if (visible) this.pace.ask();
      }),
      engine.onDidReadPast(() => this.askTogether()),
      engine.onDidReplace((live) => {
        this.stopListening();
        this.stopListening = this.listen(live);
        this.ask();
      }),
    ];
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
    if (node instanceof SessionNode) return [];
    if (node instanceof GroupNode) {
      const all = this.engine.live.all;
      const inGroup = new Set(node.children.map(({ sessionKey }) => sessionKey));
      const read = this.engine.past.want(
        all.filter(({ key }) => inGroup.has(key) && !this.engine.live.get(key)),
        all,
      );
      // A day that is read soon is drawn once, with its words.
      await Promise.race([read, sleep(SOON_MS)]);
      this.update();
      this.askTogether();
      return node.children;
    }
    await this.engine.past.lookUpDates(this.engine.live.all.filter(({ entry }) => entry.size > 0));
    this.update();
    // All is drawn anew.
    this.due.clear();
    this.allDue = false;
    return this.groups;
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return node instanceof GroupNode ? groupItem(node) : sessionItem(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: Node): vscode.TreeItem {
    if (node instanceof SessionNode) {
      item.tooltip = new vscode.MarkdownString(sessionTooltip(node.facts));
    }
    return item;
  }

  getParent(node: Node): Node | undefined {
    if (node instanceof GroupNode) return undefined;
    return this.groups.find(({ children }) => children.includes(node));
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
    const groups = groupSessions(this.facts(nowMs), nowMs);
    const before = new Map(this.groups.map((node) => [node.id, node]));
    const kept = new Set<string>();
    let movedGroups = 0;
    this.groups = groups.map((group) => {
      const node = before.get(group.id) ?? new GroupNode(group);
      node.group = group;
      const moved =
        node.children.length !== group.sessions.length ||
        group.sessions.some(({ key }, at) => node.children[at]?.sessionKey !== key);
      node.children = group.sessions.map((facts) => {
        kept.add(facts.key);
        return this.nodeOf(facts, nowMs);
      });
      if (moved) movedGroups++;
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
    this.allDue ||= order !== this.order || movedGroups > 1;
    this.order = order;
  }

  private nodeOf(facts: SessionFacts, nowMs: number): SessionNode {
    const node = this.nodes.get(facts.key);
    if (node?.facts === facts) return node;
    const row = sessionRow(facts, nowMs);
    if (!node) {
      const fresh = new SessionNode(facts, row);
      this.nodes.set(facts.key, fresh);
      return fresh;
    }
    if (JSON.stringify(node.row) !== JSON.stringify(row)) this.due.add(node);
    node.facts = facts;
    node.row = row;
    return node;
  }

  private facts(nowMs: number): SessionFacts[] {
    const { live } = this.engine;
    const several = new Set(live.folders.map(({ workspace }) => workspace)).size > 1;
    return live.all.flatMap(({ key, entry, workspace }) => {
      // Nothing is written yet.
      if (entry.size === 0) return [];
      const shownWorkspace = several ? workspace : '';
      const session = live.get(key);
      return session && !session.loading
        ? this.factsOfLive(session, shownWorkspace, nowMs)
        : this.factsOfPast({ key, entry }, shownWorkspace);
    });
  }

  private factsOfLive(session: LiveSession, workspace: string, nowMs: number): SessionFacts {
    const control = this.controlOf(session);
    const summary = session.summary(nowMs);
    return {
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
    const before = this.pastFacts.get(key);
    if (
      before &&
      before.read === read &&
      before.facts.lastMs === lastMs &&
      before.facts.workspace === workspace &&
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

function groupItem({ id, group }: GroupNode): vscode.TreeItem {
  const open = group.live || group.label === 'Today';
  const item = new vscode.TreeItem(
    group.label,
    open ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed,
  );
  item.id = id;
  item.description = groupText(group);
  item.contextValue = 'day';
  return item;
}

function sessionItem({ sessionKey, row }: SessionNode): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label);
  item.id = sessionKey;
  item.description = row.description;
  // Made when it is asked for: see `resolveTreeItem`.
  item.iconPath = new vscode.ThemeIcon(
    row.icon,
    row.colour === undefined ? undefined : new vscode.ThemeColor(row.colour),
  );
  item.contextValue = row.context;
  item.accessibilityInformation = { label: row.spoken };
  item.command = {
    command: 'agentStrace.openSession',
    title: vscode.l10n.t('Show Session'),
    arguments: [sessionKey],
  };
  return item;
}
