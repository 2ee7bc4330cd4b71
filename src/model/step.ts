/** A step in words: what one row of the stream, the replay or the terminal says. */

/** Codicon names, without the `$()`. */
export type StepIcon =
  | 'account'
  | 'comment'
  | 'thinking'
  | 'file'
  | 'edit'
  | 'search'
  | 'terminal'
  | 'globe'
  | 'plug'
  | 'robot'
  | 'tools'
  | 'sparkle'
  | 'info'
  | 'bell'
  | 'error'
  | 'circle-slash'
  | 'play'
  | 'debug-stop'
  | 'archive';

/** What a step is about: decides its icon, colour and filter. */
export const STEP_KINDS = [
  'other',
  'prompt',
  'assistant',
  'reasoning',
  'read',
  'modify',
  'search',
  'run',
  'web',
  'mcp',
  'agent',
  'tool',
  'model',
  'session',
  'notice',
  'error',
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** Plain text, hostile as it comes from a trace: show it as text only. */
export interface StepView {
  /** Place in the list; rows are steps in time order. */
  row: number;
  icon: StepIcon;
  /** `Read`, `Edit`, `Denied`; empty where the target says it all (a command). */
  verb: string;
  /** A path relative to the session's folder, a command, a pattern, a prompt. One line, cut at 300. */
  target: string;
  /** How the target is set: code in the editor font, prose in the UI font. */
  style: 'code' | 'prose' | 'muted';
  /** `1–140`, `11 in 4 files`, `exit 1`, `passed`. */
  detail: string;
  added?: number;
  removed?: number;
  /** 2 for the first retry. */
  attempt?: number;
  /** Lane of the subagent that this step started. */
  spawns?: number;
  /** Rule that denied it. */
  rule?: string;
  /** Absolute path to open, with its first line, where the step is about one file. */
  file?: { path: string; line?: number };
}

/** `Edit src/a.ts`, `npm test`: what a step does, to what. Empty where it cannot be read. */
export const stepTitle = (view: Pick<StepView, 'verb' | 'target'> | undefined): string =>
  [view?.verb, view?.target].filter(Boolean).join(' ');
