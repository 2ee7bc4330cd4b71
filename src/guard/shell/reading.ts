/** What a shell command would do, as far as its text says. */
import type { Pattern } from './pattern.ts';

/** The machine as the reader of commands sees it. Nothing else is asked of it. */
export interface ShellWorld {
  /** Where the command starts, absolute. */
  cwd: string;
  /** The home folder, absolute. */
  home: string;
  /** Where the link at this absolute path leads (as `readlink` says it); undefined: it is no link. */
  resolveLink: (path: string) => string | undefined;
  /** Whether a folder is there. Without it every `cd` is taken to succeed. */
  isFolder?: (path: string) => boolean;
  /** The top folder of the git repository that a folder is in. */
  gitRoot?: (folder: string) => string | undefined;
  /** True when the time for it is up: what is not read by then is `tooLong`. */
  timeUp?: () => boolean;
  /** The environment of the shell. With it, a variable that it does not have is empty; without, unknown. */
  env?: Record<string, string | undefined>;
}

/** What a program is run through. */
export type Via = string;

/** A program that the command runs. */
export interface Program {
  /** Its name without folder, lower case; undefined: it is not known. */
  name: string | undefined;
  /** The name and arguments without quotes; what is not literal is in `globs` or `unknown`. */
  words: string[];
  /** Indexes of words with `*` and `?` that the shell expands; they stand as they are. */
  globs: number[];
  /** Indexes of words that are not known; the unknown part is `UNKNOWN`. */
  unknown: number[];
  /** Variables set for it alone. */
  assignments: Record<string, string>;
  /** Where it may run; none: not known. */
  cwds: string[];
  /** From the outside in: `sudo`, `sh -c`, `xargs`, `substitution` … */
  via: Via[];
}

/** Something done to a file. */
export interface FileAct {
  /** Absolute and resolved, with `*`, `**` and `?` where it is a pattern; undefined: not known. */
  path: Pattern | undefined;
  /** `redirect`, or the program (and its subcommand or flag) that does it. */
  how: string;
  /** Also everything below the path. */
  deep: boolean;
}

/** A machine that the command talks to. */
export interface HostAct {
  /** Lower case, a pattern; undefined: not known. */
  host: Pattern | undefined;
  how: string;
  /** Whether it sends or fetches what the command says: not so for a git remote's or registry's own protocol. */
  remote?: string;
}

/**
 * Why the words of a command do not say what it does.
 * `hidden`: the command itself hides it. `file`: it runs code that lies in a file, as `make` does.
 */
export interface Opaque {
  kind: 'hidden' | 'file';
  reason: OpaqueReason;
  /** The words that it is about, at most 200 characters. */
  text: string;
}

export type OpaqueReason =
  | 'unparsable'
  | 'tooLong'
  | 'unknownProgram'
  | 'eval'
  | 'interpreter'
  /** Code that cannot be told all of, but has none of the words that files, programs and machines are reached by. */
  | 'code'
  | 'pipedToShell'
  | 'otherShell'
  | 'environment'
  | 'loadedCode'
  | 'container'
  | 'writtenHere'
  | 'sourced'
  | 'script'
  | 'task';

export interface ShellReading {
  programs: Program[];
  writes: FileAct[];
  reads: FileAct[];
  /** Paths given to programs of which it is not known whether they read or write them. */
  uses: FileAct[];
  hosts: HostAct[];
  opaque: Opaque[];
}
