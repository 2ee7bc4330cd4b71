/** A tool call that is about to run, as rules see it: whichever agent makes it. */
import type { StepKind } from '../../model/step.ts';
import type { Pattern } from '../shell/pattern.ts';
import type { ShellReading } from '../shell/reading.ts';
import type { GitState } from './gitTracked.ts';

/** One path that a call touches. */
export interface Touch {
  /** Absolute and resolved (`..`, links, `~`), maybe a pattern; undefined: a path that is not known. */
  path: Pattern | undefined;
  access: 'read' | 'write' | 'delete' | 'unknown';
  /** Also all below it. */
  deep: boolean;
  /** The tool, or the program in the command: `Write`, `tee`, `rm`. */
  how: string;
  /** Of a folder that goes with all in it, or whose names a pattern stands for: paths found below, relative, some hundreds at most. */
  holds?: string[];
}

/** What is on the machine where a call is about to run. Asked only of a few files, and only where it matters. */
export interface Presence {
  /** Paths of what lies below a folder, relative; undefined where it is none, or not known. */
  below: (folder: string) => string[] | undefined;
  /** @param path absolute; a link is there, wherever it leads */
  isThere: (path: string) => boolean;
  /** @param path absolute, of something that is there */
  gitState: (path: string) => GitState;
  /** @param path absolute; those of the guard's own files that are this very file by another name (a hard link) */
  ownNames?: (path: string) => string[];
}

export interface GuardedCall {
  /** As the agent names it. */
  tool: string;
  kind: StepKind;
  /** The agent's own id, or `callKey` where it has none. */
  callId: string;
  /** Tool and input: equal for calls that are alike. */
  key: string;
  /** Absolute; empty where unknown. */
  cwd: string;
  touches: Touch[];
  /** The shell command, where it runs one. */
  command?: string;
  /** What the command does; absent where there is none. */
  reading?: ShellReading;
  /** Machines that it talks to, lower case, maybe patterns; undefined: not known which. */
  hosts: (Pattern | undefined)[];
  mcpServer?: string;
  /** Kinds of secrets in what it sends out (network or MCP), as redaction names them. */
  secrets: string[];
  /** Set where a subagent calls. */
  agentId?: string;
  /** Absent for calls of the past, and of other machines. */
  there?: Presence & { /** The whole command. */ said: string };
}
