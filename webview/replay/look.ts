import type { Wire } from './wire.ts';

export type Section = 'now' | 'files' | 'step' | 'why' | 'notes';
export type Tab = 'steps' | 'inspector';

/** How long a short notice stays, ms. */
const NOTICE_MS = 2500;
/** Of the inspector beside the steps, px. */
export const LEAST_INSPECTOR = 320;

/** Gives the focus to an element, where the one that had it went away with what the person did. */
export function refocus(selector: string): void {
  requestAnimationFrame(() => {
    if (document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
  });
}

/** How the page is arranged: what is open, what is shown whole. */
export class Look {
  /** Where the inspector is a tab: which one is shown. */
  tab: Tab = 'steps';
  filterOpen = false;
  /** Width of the inspector where it was chosen, px. */
  inspectorPx: number | undefined;
  /** Said once, and gone a moment later. */
  notice = '';
  /** Sections of the inspector that are closed. */
  readonly closed = new Set<Section>();
  /** Texts that are shown whole. */
  readonly unfolded = new Set<string>();
  private readonly wire: Wire;
  private readonly keep: () => void;
  private noticed: ReturnType<typeof setTimeout> | undefined;

  /** @param keep called when something changed that outlives the page */
  constructor(wire: Wire, keep: () => void) {
    this.wire = wire;
    this.keep = keep;
  }

  toggleSection(section: Section): void {
    if (!this.closed.delete(section)) this.closed.add(section);
    this.keep();
    this.wire.paintNow();
  }

  /** Shows a section of the inspector, and gives it the focus. */
  showSection(section: Section): void {
    this.closed.delete(section);
    this.setTab('inspector');
    this.focusSection(section, 10);
  }

  /** @param frames until it is there, at most */
  private focusSection(section: Section, frames: number): void {
    requestAnimationFrame(() => {
      const head = document.getElementById(`part-${section}`);
      if (!head && frames > 0) this.focusSection(section, frames - 1);
      head?.scrollIntoView({ block: 'start' });
      head?.focus({ preventScroll: true });
    });
  }

  setTab(tab: Tab): void {
    this.tab = tab;
    this.wire.paintNow();
  }

  /** @param px undefined: as wide as it comes */
  setInspector(px: number | undefined): void {
    this.inspectorPx = px === undefined ? px : Math.max(LEAST_INSPECTOR, Math.round(px));
    this.keep();
    this.wire.paintNow();
  }

  unfold(what: string): void {
    if (!this.unfolded.delete(what)) this.unfolded.add(what);
    this.wire.paintNow();
  }

  say(notice: string): void {
    this.notice = notice;
    clearTimeout(this.noticed);
    this.noticed = setTimeout(() => {
      this.notice = '';
      this.wire.paintNow();
    }, NOTICE_MS);
    this.wire.paintSoon();
  }
}
