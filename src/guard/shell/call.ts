/** What the readers of single programs get, and what they can say. */
import type { Pattern } from './pattern.ts';
import type { OpaqueReason, Via } from './reading.ts';
import type { Output, State } from './state.ts';

/** One program about to run. */
export interface Call {
  /** Without folder and `.exe`, lower case. */
  name: string;
  /** As it was given, the name first. */
  words: readonly Pattern[];
  args: readonly Pattern[];
  /** The shell that it is run from; builtins change it. */
  state: State;
  via: readonly Via[];
  /** Variables set for it alone. */
  assignments: ReadonlyMap<string, Pattern>;
  stdin: Output | undefined;
  /** It has redirections of its own. */
  redirected: boolean;
}

export interface ActOptions {
  /** Also everything below. */
  deep?: boolean;
  /** A tool makes it out of the project's own files: it says nothing new when it is run. */
  built?: boolean;
  /** A link at the end is not followed. */
  keepLast?: boolean;
}

/** Takes down what a program does. */
export interface Sink {
  readonly home: string;
  write: (call: Call, path: Pattern, how: string, options?: ActOptions) => void;
  read: (call: Call, path: Pattern, how: string, options?: ActOptions) => void;
  /** A path given to a program, which may read or write it. */
  use: (call: Call, path: Pattern, how: string) => void;
  host: (host: Pattern | undefined, how: string, remote?: string) => void;
  opaque: (kind: 'hidden' | 'file', reason: OpaqueReason, text: string) => void;
  /** Another program that this one runs. */
  invoke: (words: readonly Pattern[], call: Call, via?: Via) => Output | undefined;
  /** A text that is run by a shell. `inside`: by the very shell that the call is in, as `eval` does. */
  script: (text: Pattern, call: Call, via: Via, options?: ScriptOptions) => Output | undefined;
  /** A file that is run. */
  runFile: (call: Call, path: Pattern, reason: OpaqueReason) => void;
  /** A link or a copy that the command makes, for what comes after. */
  linked: (call: Call, path: Pattern, target: Pattern, copy: boolean) => void;
  /** The folder of the git repository around the call. */
  gitRoot: (call: Call) => string | undefined;
  spend: (amount: number) => void;
}

export interface ScriptOptions {
  inside?: boolean;
  positional?: readonly Pattern[];
}

/** Says what one program does. */
export type Effect = (call: Call, sink: Sink) => Output | undefined;

/** The same call in other folders: `git -C x`. */
export function inFolders(call: Call, cwds: Pattern[]): Call {
  const state = call.state.clone();
  state.cwds = cwds;
  return { ...call, state };
}

/** A program that prints this and nothing else. */
export function prints(...lines: Pattern[]): Output {
  return { lines, exact: true };
}

/** A program that prints lines of this kind, any number of them. */
export function printsSome(...lines: Pattern[]): Output {
  return { lines, exact: false };
}
