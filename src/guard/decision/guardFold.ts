/** What the guard knows of a session: a fold over its events that stays small, whatever the session. */
import type { Json, TraceEvent } from '../../model/event.ts';
import type { Pricer } from '../../model/usage.ts';
import type { Metric } from '../rules/rule.ts';
import type { Facts } from './facts.ts';

export class GuardFold implements Facts {
  readonly unpriced: readonly string[] = [];
  /** What the project's other sessions cost in the last seven days, nano-dollars. */
  othersNanoUsd: number | undefined;

  constructor(_options: { pricer?: Pricer | undefined } = {}) {}

  add(_event: TraceEvent): void {}

  metric(_metric: Metric, _nowMs: number): number | undefined {
    return undefined;
  }

  repeats(_key: string, _window: number): number {
    return 1;
  }

  sequence(_key: string | undefined, _length: number): number {
    return 0;
  }

  /** JSON, at most 64 KB. */
  save(): Json {
    return {};
  }

  /** @throws where it is not what {@link save} gave */
  static load(_saved: Json, options: { pricer?: Pricer | undefined } = {}): GuardFold {
    return new GuardFold(options);
  }
}
