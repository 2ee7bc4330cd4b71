/** The facts of one session: its saved state, and what was written since. */
import { GuardFold } from './guardFold.ts';

type Env = Record<string, string | undefined>;

export interface FactsOptions {
  session: string;
  /** Absolute. */
  traceDir: string;
  env?: Env;
  /** Of events that are read at most. Default 1 MB. */
  maxBytes?: number;
}

export interface SessionFacts {
  facts: GuardFold;
  /** More events than `maxBytes` were written since: the facts are behind. */
  more: boolean;
}

/** Never throws: of a session that cannot be read nothing is known. */
export function readFacts(_options: FactsOptions): SessionFacts {
  return { facts: new GuardFold(), more: false };
}

/** Reads all that is left, whatever it takes: for a process of its own. @returns as {@link readFacts} */
export function catchUp(options: FactsOptions): SessionFacts {
  return readFacts(options);
}
