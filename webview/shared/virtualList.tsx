import { Component, type ComponentChildren, createRef } from 'preact';
import type { Extras } from './extras.ts';
import { clamp, ScrollMap } from './scrollMap.ts';

/** Rows drawn beyond what is seen, at each end. */
const OVERSCAN = 10;
/** The scroll position is brought in line with the rows this long after the last scroll, ms. */
const SETTLE_MS = 150;
/** Closer to the end than this counts as at the end, px. */
const END_SLACK = 4;

export interface VirtualListProps {
  /** Where the page finds the list to move it. */
  handle: { current: VirtualList | null };
  /** Rows there are. */
  count: number;
  /** px */
  rowHeight: number;
  /** Rows that are taller. */
  extras?: Extras;
  /** Rows to be in view, the first of them above all; taken up once for every `token`. */
  reveal?: { first: number; last: number; token: string };
  label: string;
  /** Stay at the end as rows come. */
  follow: boolean;
  /** The person scrolled to the end, or away from it. */
  onFollow(follow: boolean): void;
  /** A row that stays in the document wherever it is, because it has the focus; -1: none. */
  keepIndex: number;
  /** Height covered at the top by `renderTop`, px. */
  topHeight: number;
  /** One `li`; `top` is its place, px. */
  renderRow(index: number, top: number, firstVisible: number): ComponentChildren;
  /** Stays at the top. @param top px of the rows scrolled past */
  renderTop(top: number): ComponentChildren;
  /** Rows `first … last - 1` are in the document. */
  onWindow(first: number, last: number): void;
  onScroll(): void;
}

/**
 * A list of any length: only what is seen is in the document, and beyond a few million pixels the
 * scroll bar is scaled, while the wheel and the keys still move it by exact rows.
 */
export class VirtualList extends Component<VirtualListProps> {
  private readonly scroller = createRef<HTMLDivElement>();
  /** Place among the rows, px: the truth. */
  private top = 0;
  /** Scroll position that belongs to it, px. */
  private real = 0;
  /** Scroll position as last read or set: another one is a person's doing. */
  private seen = 0;
  private viewport = 0;
  private map = new ScrollMap(0, 0);
  private focusIndex = -1;
  /** Stays at the end; ahead of the property, which comes with the next paint of the page. */
  private following = true;
  private revealed = '';
  /** What was at the top when it was drawn last, and how the heights were then. */
  private anchor = { index: 0, offset: 0, version: 0 };
  private lastFollow: boolean | undefined;
  private settleTimer: ReturnType<typeof setTimeout> | undefined;
  private observer: ResizeObserver | undefined;

  override componentDidMount(): void {
    const { current } = this.scroller;
    if (!current) return;
    this.props.handle.current = this;
    this.viewport = current.clientHeight;
    this.observer = new ResizeObserver(() => {
      if (current.clientHeight === this.viewport) return;
      this.viewport = current.clientHeight;
      this.forceUpdate();
    });
    this.observer.observe(current);
    this.forceUpdate();
  }

  override componentWillUnmount(): void {
    this.props.handle.current = null;
    this.observer?.disconnect();
    clearTimeout(this.settleTimer);
  }

  override componentDidUpdate(): void {
    const { current } = this.scroller;
    if (!current) return;
    if (Math.abs(current.scrollTop - this.real) > 0.5) {
      current.scrollTop = this.real;
      this.real = current.scrollTop;
    }
    this.seen = current.scrollTop;
    if (this.focusIndex >= 0) {
      const row = current.querySelector<HTMLElement>(`[data-index="${this.focusIndex}"] button`);
      this.focusIndex = -1;
      row?.focus({ preventScroll: true });
    }
  }

  /** Rows that fit whole. */
  get pageRows(): number {
    return Math.max(1, Math.floor((this.viewport - this.props.topHeight) / this.props.rowHeight));
  }

  /** Rows seen: first, and the one after the last. */
  get visible(): [first: number, end: number] {
    const { rowHeight, count, topHeight } = this.props;
    const from = this.top + (this.top > 0 ? topHeight : 0);
    const first = this.indexAt(from + rowHeight - 1);
    return [Math.min(first, count), Math.min(count, this.indexAt(this.top + this.viewport))];
  }

  /** Place of a row, px of the rows. */
  topOf(index: number): number {
    const { rowHeight, extras } = this.props;
    return index * rowHeight + (extras?.before(index) ?? 0);
  }

  /** The row at a place, px of the rows. */
  indexAt(top: number): number {
    const { rowHeight, extras } = this.props;
    return extras ? extras.rowAt(top, rowHeight) : Math.floor(top / rowHeight);
  }

  /** Brings a row into view: by as little as needed, or to the top of what is seen. */
  show(index: number, where: 'nearest' | 'top' = 'nearest'): void {
    this.moveTo(where === 'top' ? this.topOf(index) : this.placeOf(index, index));
  }

  /** The nearest place at which rows `first … last` are seen; what does not fit is cut at the end. */
  private placeOf(first: number, last: number): number {
    const high = this.topOf(first) - (first > 0 ? this.props.topHeight : 0);
    const low = Math.min(high, this.topOf(last + 1) - this.viewport);
    return clamp(this.top, low, high);
  }

  /** Shows a row and gives it the focus. */
  focus(index: number): void {
    this.focusIndex = index;
    this.show(index);
  }

  private moveTo(top: number): void {
    this.top = clamp(top, 0, this.map.max);
    this.following &&= this.atEnd;
    this.real = this.map.toReal(this.top);
    this.forceUpdate();
  }

  private readonly onScroll = (): void => {
    if (this.takeScroll()) this.forceUpdate();
  };

  /** Takes over where a person scrolled to; false: nowhere else. */
  private takeScroll(): boolean {
    const { current } = this.scroller;
    if (!current || Math.abs(current.scrollTop - this.seen) < 0.5) return false;
    const { scrollTop } = current;
    this.seen = scrollTop;
    if (current.clientHeight !== this.viewport) {
      // The page around the list changed and the browser moved it: nobody scrolled.
      this.viewport = current.clientHeight;
      if (this.following) return true;
    }
    const delta = scrollTop - this.real;
    const { map } = this;
    const realMax = map.realHeight - this.viewport;
    if (!map.scaled || scrollTop <= 0 || scrollTop >= realMax) this.top = map.toVirtual(scrollTop);
    // A wheel or a finger moves by pixels of rows; a long way is a drag of the scroll bar.
    else if (Math.abs(delta) < 2 * this.viewport) this.top = clamp(this.top + delta, 0, map.max);
    else this.top = map.toVirtual(scrollTop);
    this.real = scrollTop;
    this.props.onScroll();
    if (map.scaled) {
      clearTimeout(this.settleTimer);
      this.settleTimer = setTimeout(() => this.moveTo(this.top), SETTLE_MS);
    }
    const { atEnd } = this;
    this.following = atEnd;
    if (atEnd !== this.props.follow) queueMicrotask(() => this.props.onFollow(atEnd));
    return true;
  }

  private get atEnd(): boolean {
    return this.top >= this.map.max - END_SLACK;
  }

  override render() {
    const { count, label, keepIndex, renderRow, renderTop, onWindow } = this.props;
    if (this.props.follow !== this.lastFollow) {
      this.following = this.props.follow;
      this.lastFollow = this.props.follow;
    }
    // A paint between a scroll and its event must not undo the scroll.
    this.takeScroll();
    const follow = this.following;
    this.map = new ScrollMap(this.topOf(count), this.viewport);
    const { map, viewport } = this;
    const { extras, reveal } = this.props;
    // Rows above got taller or lower: what is seen stays where it is.
    if (extras && extras.version !== this.anchor.version && this.top > 0) {
      this.top = clamp(this.topOf(this.anchor.index) + this.anchor.offset, 0, map.max);
    }
    if (follow) this.top = map.max;
    if (follow || !map.scaled || this.top > map.max) {
      this.top = Math.min(this.top, map.max);
      this.real = map.toReal(this.top);
    }
    if (reveal && viewport > 0 && reveal.token !== this.revealed) {
      this.revealed = reveal.token;
      this.top = clamp(this.placeOf(reveal.first, reveal.last), 0, map.max);
      this.real = map.toReal(this.top);
    }
    const offset = this.real - this.top;
    const firstVisible = this.indexAt(this.top);
    this.anchor = {
      index: firstVisible,
      offset: this.top - this.topOf(firstVisible),
      version: extras?.version ?? 0,
    };
    const first = Math.max(0, firstVisible - OVERSCAN);
    const last = Math.min(count, this.indexAt(this.top + viewport) + 1 + OVERSCAN);
    const rows: ComponentChildren[] = [];
    const draw = (index: number) => {
      rows.push(renderRow(index, offset + this.topOf(index), firstVisible));
    };
    if (keepIndex >= 0 && keepIndex < first) draw(keepIndex);
    for (let index = first; index < last; index++) draw(index);
    if (keepIndex >= last && keepIndex < count) draw(keepIndex);
    onWindow(first, last);
    return (
      <div class="vlist" ref={this.scroller} onScroll={this.onScroll}>
        <div class="vlist-top">{renderTop(this.top)}</div>
        <ul class="vlist-rows" aria-label={label} style={{ height: `${map.realHeight}px` }}>
          {rows}
        </ul>
      </div>
    );
  }
}
