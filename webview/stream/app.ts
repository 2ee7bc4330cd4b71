import { visibleText } from '../../src/model/visibleText.ts';
import {
  type FromStreamPage,
  type SessionTab,
  STREAM_PROTOCOL,
  type StreamCommand,
  type StreamFilter,
  type StreamHeader,
  type ToStreamPage,
} from '../../src/protocol/stream.ts';
import { type Bridge, connect } from '../shared/bridge.ts';
import { Painter } from '../shared/paint.ts';
import { RowStore } from '../shared/rowStore.ts';
import { Words } from '../shared/words.ts';
import { RowView } from './rowView.ts';

type Received<T extends ToStreamPage['type']> = Extract<ToStreamPage, { type: T }>;

/** What outlives the page: what the person chose, no trace data. */
interface KeptState {
  selected: string;
  filter: StreamFilter;
  pinned: boolean;
}

const FILTERS: readonly StreamFilter[] = ['all', 'tools', 'errors', 'denied', 'edits'];
/** A search that has seen all rows asks again about new ones this often, ms. */
const SEARCH_AGAIN_MS = 1000;
/** Most denied calls read out one by one; more become a number. */
const MAX_SPOKEN = 3;
/** Rows at the end whose words are asked for before they are painted. */
const TAIL = 40;
/** After the person moved the list, words are painted as they come for this long, ms. */
const HURRY_MS = 1000;

/** What the page knows and what a person can do on it; it draws nothing. */
export class StreamApp {
  readonly painter = new Painter();
  /** Paints the list alone: words that came for rows that are seen. */
  readonly listPainter = new Painter();
  readonly rows = new RowStore();
  readonly view = new RowView(this.rows, () => this.painter.soon());
  readonly words = new Words((request) => {
    if (this.sessionId !== undefined) this.post({ ...request, sessionId: this.sessionId });
  });

  sessions: SessionTab[] = [];
  sessionId: string | undefined;
  header: StreamHeader | undefined;
  empty: Received<'empty'>['reason'] | undefined;
  progress: Received<'progress'> | undefined;
  /** When the current reading began, ms of `performance.now()`. */
  progressSinceMs = 0;
  error: Received<'error'> | undefined;
  filter: StreamFilter = 'all';
  /** Text searched for; undefined: no search field. */
  search: string | undefined;
  pinned = false;
  /** The row with the keyboard's place, by number. */
  activeRow = -1;
  /** The list stays at its end. */
  follow = true;
  /** Rows shown when it stopped to follow. */
  private shownAtLeave = 0;

  /** Denied calls not read out yet. */
  private readonly unspoken: number[] = [];
  private unspokenMore = 0;
  private searchRequest = 0;
  private searchedTo = 0;
  private searchTimer: ReturnType<typeof setTimeout> | undefined;
  private searchAgainTimer: ReturnType<typeof setTimeout> | undefined;
  private clockSkewMs = 0;
  private restored = false;
  /** Sessions whose first columns came: what comes later is news. */
  private caughtUp = false;
  private readonly bridge: Bridge<ToStreamPage, FromStreamPage, KeptState>;

  constructor() {
    this.bridge = connect<ToStreamPage, FromStreamPage, KeptState>();
    const kept = this.bridge.load();
    this.pinned = kept.pinned === true;
    if (kept.filter && FILTERS.includes(kept.filter)) this.filter = kept.filter;
    this.view.setFilter(this.filter);
    this.bridge.listen((message) => this.receive(message));
    this.post({ type: 'ready', version: STREAM_PROTOCOL });
  }

  /** The host's clock, ms since the epoch. */
  hostNowMs(): number {
    return Date.now() + this.clockSkewMs;
  }

  /** Rows that came at the end since the list was scrolled away from it. */
  get newRows(): number {
    return this.follow ? 0 : Math.max(0, this.view.length - this.shownAtLeave);
  }

  /** The session that is shown, as the switcher has it. */
  get tab(): SessionTab | undefined {
    return this.sessions.find(({ id }) => id === this.sessionId);
  }

  select(sessionId: string): void {
    if (sessionId === this.sessionId) return;
    this.show(sessionId);
    this.save();
    this.post({ type: 'select', sessionId });
    this.painter.now();
  }

  setFilter(filter: StreamFilter): void {
    this.hurry();
    this.filter = filter;
    this.save();
    this.view.setFilter(filter);
    this.shownAtLeave = this.view.length;
    this.painter.now();
  }

  setPinned(pinned: boolean): void {
    this.pinned = pinned;
    this.save();
    this.painter.now();
  }

  openSearch(): void {
    if (this.search === undefined) this.search = '';
    this.painter.now();
  }

  /** @param text what to look for; nothing shows all rows; undefined closes the field */
  setSearch(text: string | undefined): void {
    this.search = text;
    clearTimeout(this.searchTimer);
    if (text) this.searchTimer = setTimeout(() => this.find(0), 150);
    else {
      this.searchRequest++;
      this.view.setFilter(text === undefined ? this.filter : 'all');
      this.shownAtLeave = this.view.length;
    }
    this.painter.now();
  }

  /** Back to all rows. */
  clearFilter(): void {
    this.search = undefined;
    this.searchRequest++;
    clearTimeout(this.searchTimer);
    this.setFilter('all');
  }

  setFollow(follow: boolean): void {
    if (follow === this.follow) return;
    this.follow = follow;
    this.shownAtLeave = this.view.length;
    this.painter.now();
  }

  setActive(row: number): void {
    this.activeRow = row;
    this.painter.now();
  }

  open(row: number): void {
    if (this.sessionId === undefined) return;
    this.post({ type: 'open', sessionId: this.sessionId, row });
  }

  openFile(row: number): void {
    if (this.sessionId === undefined) return;
    this.post({ type: 'openFile', sessionId: this.sessionId, row });
  }

  command(command: StreamCommand): void {
    this.post({ type: 'command', command });
  }

  /** Pauses, resumes or stops the agent of the session that is shown. */
  control(command: 'pause' | 'resume' | 'stop'): void {
    if (this.sessionId === undefined) return;
    this.post({ type: 'command', command, sessionId: this.sessionId });
  }

  dismissError(): void {
    this.error = undefined;
    this.painter.now();
  }

  /** Denied calls to read out now, in words; empty when there is nothing new. */
  takeAlert(): string {
    const ready = this.unspoken.filter((row) => this.words.get(row));
    if (ready.length === 0) return '';
    const spoken = ready.map((row) => {
      const view = this.words.get(row);
      const rule = view?.rule ? `, rule ${view.rule}` : '';
      return visibleText(`Denied ${view?.target ?? ''}${rule}`);
    });
    if (this.unspokenMore > 0) spoken.push(`and ${this.unspokenMore} more`);
    this.unspoken.length = 0;
    this.unspokenMore = 0;
    return spoken.join('. ');
  }

  private post(message: FromStreamPage): void {
    this.bridge.post(message);
  }

  private save(): void {
    const { sessionId, filter, pinned } = this;
    this.bridge.save({ selected: sessionId ?? '', filter, pinned });
  }

  private show(sessionId: string): void {
    this.hurry();
    this.sessionId = sessionId;
    this.header = undefined;
    this.progress = undefined;
    this.activeRow = -1;
    this.follow = true;
    this.caughtUp = false;
    this.unspoken.length = 0;
    this.unspokenMore = 0;
    this.rows.clear();
    this.words.clear();
    if (this.search) this.find(0);
    else this.view.setFilter(this.search === undefined ? this.filter : 'all');
  }

  private find(from: number): void {
    if (!this.search || this.sessionId === undefined) return;
    if (from === 0) this.view.startSearch();
    else this.view.reopenSearch(from);
    this.searchedTo = this.rows.total;
    this.shownAtLeave = this.view.length;
    const { sessionId, search } = this;
    this.post({ type: 'find', sessionId, requestId: ++this.searchRequest, text: search, from });
    if (from === 0) this.painter.now();
  }

  /** New rows came while a search is shown: ask about them, not too often. */
  private searchAgain(): void {
    if (!this.search || !this.view.done || this.rows.total <= this.searchedTo) return;
    this.searchAgainTimer ??= setTimeout(() => {
      this.searchAgainTimer = undefined;
      if (this.view.done && this.rows.total > this.searchedTo) this.find(this.searchedTo);
    }, SEARCH_AGAIN_MS);
  }

  private receive(message: ToStreamPage): void {
    if ('sessionId' in message && message.sessionId !== this.sessionId) return;
    switch (message.type) {
      case 'sessions':
        this.receiveSessions(message);
        break;
      case 'empty':
        this.empty = message.reason;
        this.sessions = [];
        this.sessionId = undefined;
        this.header = undefined;
        break;
      case 'header':
        if (message.header.sessionId !== this.sessionId) return;
        this.header = message.header;
        this.clockSkewMs = message.header.nowMs - Date.now();
        break;
      case 'columns':
        this.receiveColumns(message);
        break;
      case 'rows':
        this.words.receive(message.requestId, message.from, message.rows);
        break;
      case 'found':
        if (message.requestId !== this.searchRequest || !this.search) return;
        this.view.addFound(message.rows, message.done);
        this.searchAgain();
        break;
      case 'progress':
        if (!this.progress) this.progressSinceMs = performance.now();
        this.progress = message.readBytes < message.totalBytes ? message : undefined;
        break;
      case 'error':
        this.error = message;
        break;
    }
    if (message.type === 'rows' && performance.now() < this.hurryUntilMs) this.paintWords();
    else this.painter.soon();
  }

  private wordsPaint: number | undefined;
  private hurryUntilMs = 0;

  /** The person moved the list: what it shows now is painted as soon as it is there. */
  hurry(): void {
    this.hurryUntilMs = performance.now() + HURRY_MS;
  }

  /** Several answers of one moment are one paint. */
  private paintWords(): void {
    this.wordsPaint ??= requestAnimationFrame(() => {
      this.wordsPaint = undefined;
      this.listPainter.now();
    });
  }

  private receiveSessions({ sessions, selected, chosen }: Received<'sessions'>): void {
    this.sessions = sessions;
    this.empty = sessions.length === 0 ? 'noSession' : undefined;
    let wanted = selected ?? this.sessionId;
    if (!this.restored) {
      this.restored = true;
      const kept = chosen ? undefined : this.bridge.load().selected;
      if (kept && kept !== selected && sessions.some(({ id }) => id === kept)) {
        wanted = kept;
        this.post({ type: 'select', sessionId: kept });
      }
    }
    if (!sessions.some(({ id }) => id === wanted)) wanted = sessions[0]?.id;
    if (wanted === undefined) this.sessionId = undefined;
    else if (wanted !== this.sessionId) this.show(wanted);
  }

  private receiveColumns({ columns }: Received<'columns'>): void {
    const before = this.rows.total;
    const deniedBefore = this.rows.counts.denied;
    const known = new Set<number>();
    for (let row = columns.from; row < Math.min(before, columns.from + columns.count); row++) {
      if (this.rows.has(row, 'denied')) known.add(row);
    }
    const change = this.rows.apply(columns);
    if (change.rebuilt) {
      this.words.clear();
      if (this.search) this.find(0);
    } else {
      this.words.invalidate(change.from, change.to);
      // Rows before may have moved or changed: what was found from there on is asked for again.
      this.searchedTo = Math.min(this.searchedTo, change.refilterFrom);
    }
    this.view.update(change);
    if (this.search) this.searchAgain();
    // As many as are new: rows that only moved are no news.
    let fresh = this.rows.counts.denied - deniedBefore;
    if (this.caughtUp && !change.rebuilt) {
      for (let row = change.to - 1; row >= change.from && fresh > 0; row--) {
        if (!this.rows.has(row, 'denied') || known.has(row)) continue;
        fresh--;
        if (this.unspoken.length < MAX_SPOKEN) this.unspoken.unshift(row);
        else this.unspokenMore++;
      }
      if (this.unspoken.length > 0) this.words.want(this.unspoken);
    }
    if (this.rows.loaded === this.rows.total && !this.progress) this.caughtUp = true;
    // Asked for now, the words of new rows are mostly here when the rows are painted.
    if (this.follow && this.view.isAll) {
      this.words.want(range(Math.max(change.from, change.to - TAIL), change.to));
    }
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
