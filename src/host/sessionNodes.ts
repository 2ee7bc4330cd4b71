import * as vscode from 'vscode';
import { goesOn } from './sessionLinks.ts';
import {
  groupText,
  type SessionFacts,
  type SessionGroup,
  type SessionRow,
} from './sessionsModel.ts';

/** A day, or those that are going on. */
export class GroupNode {
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
export class SessionNode {
  readonly sessionKey: string;
  facts: SessionFacts;
  row: SessionRow;
  /** The group or the session that it is shown in. */
  parent: Node | undefined;
  /** It started another session, or was started by one. */
  linked = false;
  /** Sessions that it started. */
  children: SessionNode[] = [];
  constructor(facts: SessionFacts, row: SessionRow) {
    this.sessionKey = facts.key;
    this.facts = facts;
    this.row = row;
  }
}

export type Node = GroupNode | SessionNode;

export function groupItem({ id, group }: GroupNode): vscode.TreeItem {
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

export function sessionItem({ sessionKey, row, facts, children }: SessionNode): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label);
  item.id = sessionKey;
  if (children.length > 0) {
    // What goes on is seen; the rest when somebody wants to.
    item.collapsibleState = children.some((child) => goesOn(child.facts))
      ? vscode.TreeItemCollapsibleState.Expanded
      : vscode.TreeItemCollapsibleState.Collapsed;
  }
  item.description = row.description;
  // Made when it is asked for: see `resolveTreeItem`.
  item.iconPath = new vscode.ThemeIcon(
    row.icon,
    row.colour === undefined ? undefined : new vscode.ThemeColor(row.colour),
  );
  item.contextValue = row.context;
  item.accessibilityInformation = { label: row.spoken };
  item.command = {
    command: facts.transcript ? 'agentStrace.openTranscript' : 'agentStrace.openSession',
    title: vscode.l10n.t('Show Session'),
    arguments: [sessionKey],
  };
  return item;
}
