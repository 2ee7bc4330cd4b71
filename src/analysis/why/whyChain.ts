import type { AnalysedSession } from '../analysed.ts';

/** How one step led to the next. */
export type WhyReason =
  /** The step asked about. */
  | 'here'
  /** A person asked. */
  | 'prompt'
  /** The call that this is the result, or the subagent, of. */
  | 'parent'
  /** The same call failed before. */
  | 'retry'
  /** A failure that this step answers to. */
  | 'error'
  /** A result named the path or the symbol that this step is about. */
  | 'named'
  /** The file was read before it was changed. */
  | 'read'
  /** What the agent itself said it would do. */
  | 'said'
  /** A subagent was started here, or came back with this. */
  | 'subagent'
  /** The window was compacted: what was known before is a summary now. */
  | 'compaction';

/** `asked`: a person or the agent said so; `evidence`: the trace shows it; `likely`: it fits, and nothing shows it. */
export type WhySure = 'asked' | 'evidence' | 'likely';

export interface WhyLink {
  step: number;
  reason: WhyReason;
  sure: WhySure;
  /** The step in words, one line, hostile. */
  words: string;
  /** What shows it: `line 12 of the result names core/idempotency.py`. One line, hostile; empty for `here`. */
  evidence: string;
}

export interface WhyChain {
  step: number;
  /** Cause first, the step itself last; at most 12 (those between were left out: `cut`). */
  links: WhyLink[];
  cut: number;
  /** It begins with a prompt, or with what the trace does not explain. */
  complete: boolean;
}

/** Why a step was done, back to the prompt. Reads at most a few hundred events. Undefined: there is no such step. */
export function whyChain(_session: AnalysedSession, step: number): WhyChain | undefined {
  return { step, links: [], cut: 0, complete: false };
}
