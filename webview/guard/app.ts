import {
  type CardAct,
  type FromGuardPage,
  GUARD_PROTOCOL,
  type GuardRequest,
  type GuardState,
  type ToGuardPage,
} from '../../src/protocol/guard.ts';
import { type Bridge, connect } from '../shared/bridge.ts';
import { Painter } from '../shared/paint.ts';

type Kept = Record<string, never>;

/** After something moved under the hand, answers do not count for so long, ms. */
const STEADY_MS = 500;
const CLOCK_MS = 1000;

/** What the page knows and what a person can do on it; it draws nothing. */
export class GuardApp {
  readonly painter = new Painter();
  state: GuardState | undefined;
  /** Speaks another version than we do: the extension was updated under an open page. */
  outdated = false;
  /** The request that keys are about. */
  selected: string | undefined;
  /** Its details are shown. */
  opened: string | undefined;
  /** Asked to be shown, once. */
  wanted: string | undefined;
  /** Host's clock minus ours, ms. */
  private skewMs = 0;
  private movedMs = Number.NEGATIVE_INFINITY;
  private readonly bridge: Bridge<ToGuardPage, FromGuardPage, Kept>;

  constructor() {
    this.bridge = connect<ToGuardPage, FromGuardPage, Kept>();
    this.bridge.listen((message) => this.receive(message));
    this.post({ type: 'ready', version: GUARD_PROTOCOL });
    // Time left, and how long ago.
    setInterval(() => {
      if (this.state && !document.hidden) this.painter.now();
    }, CLOCK_MS);
  }

  /** By the host's clock, ms since the epoch. */
  get nowMs(): number {
    return Date.now() + this.skewMs;
  }

  private post(message: FromGuardPage): void {
    this.bridge.post(message);
  }

  private receive(message: ToGuardPage): void {
    if (message.type === 'show') {
      this.wanted = message.id;
      if (this.requests.some(({ id }) => id === message.id)) {
        this.selected = message.id;
        this.opened = message.id;
      }
    } else if (message.type === 'state') {
      this.outdated = message.version !== GUARD_PROTOCOL;
      if (!this.outdated) this.take(message.state);
    }
    this.painter.now();
  }

  private take(state: GuardState): void {
    const before = orderOf(this.state);
    this.state = state;
    this.skewMs = state.nowMs - Date.now();
    if (before !== '' && before !== orderOf(state)) this.movedMs = performance.now();
    const { requests } = state;
    if (!requests.some(({ id }) => id === this.selected)) {
      this.selected = (requests.find(({ answered }) => !answered) ?? requests[0])?.id;
    }
    if (!requests.some(({ id }) => id === this.opened)) this.opened = undefined;
  }

  get requests(): readonly GuardRequest[] {
    return this.state?.requests ?? [];
  }

  /** Those that can still be answered. */
  get waiting(): GuardRequest[] {
    const { nowMs } = this;
    return this.requests.filter(({ answered, untilMs }) => !answered && untilMs > nowMs);
  }

  /** Rows have just moved: a click may have been meant for another. */
  get unsteady(): boolean {
    return performance.now() - this.movedMs < STEADY_MS;
  }

  act(id: string, act: CardAct): void {
    if (this.unsteady) return;
    this.post({ type: 'act', id, act });
  }

  answer(id: string, answer: 'allow' | 'deny'): void {
    if (this.unsteady || !this.waiting.some((request) => request.id === id)) return;
    if (answer === 'allow' && this.state?.trusted !== true) return;
    this.post({ type: 'answer', id, answer });
  }

  select(id: string): void {
    if (this.selected === id) return;
    this.selected = id;
    this.painter.now();
  }

  /** @returns the one that is selected then */
  move(by: 1 | -1): string | undefined {
    const { requests } = this;
    const at = requests.findIndex(({ id }) => id === this.selected);
    const next = requests[Math.min(requests.length - 1, Math.max(0, at + by))];
    if (next) this.select(next.id);
    return next?.id;
  }

  toggle(id: string): void {
    this.opened = this.opened === id ? undefined : id;
    this.painter.now();
  }

  openRule(id: string): void {
    this.post({ type: 'openRule', id });
  }

  openPostmortem(id: string): void {
    this.post({ type: 'openPostmortem', id });
  }

  openSession(id: string): void {
    this.post({ type: 'openSession', id });
  }

  dismissNotices(): void {
    this.post({ type: 'dismissNotices' });
  }

  command(command: Extract<FromGuardPage, { type: 'command' }>['command']): void {
    this.post({ type: 'command', command });
  }
}

/** What stands where. */
const orderOf = (state: GuardState | undefined): string =>
  state ? [...state.cards, { id: '|' }, ...state.requests].map(({ id }) => id).join(' ') : '';
