import * as vscode from 'vscode';
import { QueryMatcher } from '../analysis/search/matcher.ts';
import { parseQuery, QueryError } from '../analysis/search/query.ts';
import { stepOfEvent } from '../model/eventStep.ts';
import { formatBytes, formatMoment, formatPercent, plural } from '../model/format.ts';
import { isCostKnown } from '../model/summary.ts';
import { oneLine } from '../model/text.ts';
import { type SearchHit, searchSessions } from '../trace/search.ts';
import type { SessionEntry } from '../trace/store.ts';
import { keyOf } from './liveSessions.ts';
import { patiently } from './patiently.ts';
import { plainLabel } from './plainText.ts';
import type { UnderstandDeps } from './understandHost.ts';
import { whenRead } from './whenRead.ts';

/** The person types on, ms. */
const DEBOUNCE_MS = 250;
/** The list is brought up to date so often, ms. */
const TOGETHER_MS = 150;
/** Hits that are listed; who has more needs other words. */
const MAX_HITS = 300;
const PER_SESSION = 50;
/** Shorter words are in everything. */
const MIN_LENGTH = 2;

type Item = vscode.QuickPickItem & { hit?: SearchHit };

/** Looks for words in all sessions of the open folders while the person types; a hit opens the replay at its step. */
export class SearchPick implements vscode.Disposable {
  private readonly deps: UnderstandDeps;
  private current: AbortController | undefined;

  constructor(deps: UnderstandDeps) {
    this.deps = deps;
  }

  /** @param text to begin with; anything may come */
  async show(text?: unknown): Promise<void> {
    const list = vscode.window.createQuickPick<Item>();
    list.title = vscode.l10n.t('Search Sessions');
    list.placeholder = vscode.l10n.t(
      'Words, or tool:Bash file:auth.ts error:timeout kind:prompt agent:codex cost:>1 date:7d',
    );
    // The newest first, as it was found. (Where the editor knows this property; the API does not name it yet.)
    Object.assign(list, { sortByLabel: false });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const search = (value: string): void => {
      clearTimeout(timer);
      this.current?.abort();
      list.busy = false;
      if (value.trim().length < MIN_LENGTH) {
        list.items = [];
        return;
      }
      list.busy = true;
      timer = setTimeout(() => void this.search(list, value), DEBOUNCE_MS);
    };
    const hit = await new Promise<SearchHit | undefined>((resolve) => {
      list.onDidChangeValue(search);
      list.onDidAccept(() => {
        const [active] = list.activeItems;
        if (active?.hit) resolve(active.hit);
      });
      list.onDidHide(() => resolve(undefined));
      list.show();
      if (typeof text === 'string' && text !== '') {
        list.value = text;
        search(text);
      }
    });
    clearTimeout(timer);
    this.current?.abort();
    list.dispose();
    if (hit) await this.open(hit);
  }

  private async search(list: vscode.QuickPick<Item>, value: string): Promise<void> {
    const cancel = new AbortController();
    this.current = cancel;
    const { live } = this.deps.engine;
    const entries = live.all.map(({ entry }) => entry).filter(({ size }) => size > 0);
    const items: Item[] = [];
    let shown = 0;
    let shownMs = 0;
    const update = (last: Item[] = []): void => {
      if (cancel.signal.aborted) return;
      shown = items.length;
      shownMs = performance.now();
      list.keepScrollPosition = true;
      list.items = [...items, ...last];
    };
    try {
      const matcher = new QueryMatcher(parseQuery(value, Date.now()));
      const found = searchSessions({
        entries,
        query: matcher,
        signal: cancel.signal,
        perSession: PER_SESSION,
        costOf: (entry) => this.costOf(entry),
      });
      for await (const each of found) {
        if (cancel.signal.aborted) return;
        if (each.type === 'hit') {
          items.push(this.itemOf(each));
          if (items.length >= MAX_HITS) break;
        } else {
          const share = each.allBytes > 0 ? each.bytes / each.allBytes : 1;
          list.title = `${vscode.l10n.t('Search Sessions')} · ${formatPercent(share)}`;
        }
        if (items.length > shown && performance.now() - shownMs > TOGETHER_MS) update();
      }
      const sum = entries.reduce((bytes, { size }) => bytes + size, 0);
      if (items.length === 0) {
        update([
          note(
            entries.length === 0
              ? vscode.l10n.t('No session is recorded here yet.')
              : vscode.l10n.t(
                  'Nothing was found in {0} ({1}).',
                  plural(entries.length, 'session'),
                  formatBytes(sum),
                ),
          ),
        ]);
      } else if (items.length >= MAX_HITS) {
        update([note(vscode.l10n.t('There is more. Add words, or tool:, file:, date:.'))]);
      } else update();
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      update([note(error.message)]);
    } finally {
      if (!cancel.signal.aborted) {
        list.busy = false;
        list.title = vscode.l10n.t('Search Sessions');
      }
    }
  }

  /** What is known without reading the whole session. */
  private costOf(entry: SessionEntry): number | undefined {
    const { live, past } = this.deps.engine;
    const key = keyOf(entry.traceDir, entry.id);
    const open = live.get(key);
    const known = live.all.find((one) => one.key === key);
    const summary =
      open && !open.loading ? open.summary(Date.now()) : known && past.get(known)?.summary;
    if (!summary || !isCostKnown(summary.cost)) return undefined;
    return summary.cost.nanoUsd;
  }

  private itemOf(hit: SearchHit): Item {
    const { entry, title, agent, timeMs } = hit;
    const name = this.deps.engine.names.get(entry.traceDir, entry.id);
    const session = plainLabel(oneLine(name ?? title, 80)) || plainLabel(entry.id);
    const words = hit.tool === '' ? hit.field : `${hit.tool} ${hit.field}`;
    return {
      hit,
      label: `$(${ICONS[hit.eventType] ?? 'circle-small'}) ${plainLabel(oneLine(hit.excerpt, 200))}`,
      description: plainLabel(words),
      detail: [formatMoment(timeMs), plainLabel(agent), session].filter(Boolean).join(' · '),
      // What was found is not always in these words: a file of the step, its tool.
      alwaysShow: true,
    };
  }

  private async open(hit: SearchHit): Promise<void> {
    const { live } = this.deps.engine;
    const key = keyOf(hit.entry.traceDir, hit.entry.id);
    const release = live.hold(key);
    try {
      const session = live.get(key);
      if (!session) {
        void vscode.window.showWarningMessage(vscode.l10n.t('This session is no longer there.'));
        return;
      }
      const cancel = new AbortController();
      // Which step it is, the whole session tells.
      const reading = whenRead(live, session, cancel.signal);
      const read = await patiently(vscode.l10n.t('Reading the session'), cancel, reading);
      if (!read) return;
      const step = stepOfEvent(session.trace.fold, hit.eventId);
      await vscode.commands.executeCommand('agentStrace.replay', key, ...(step < 0 ? [] : [step]));
    } finally {
      release();
    }
  }

  dispose(): void {
    this.current?.abort();
  }
}

const note = (words: string): Item => ({ label: `$(info) ${words}`, alwaysShow: true });

const ICONS: Readonly<Record<string, string>> = {
  user_prompt: 'account',
  assistant_response: 'comment',
  tool_call: 'tools',
  tool_result: 'output',
  error: 'error',
};
