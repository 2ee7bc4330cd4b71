/** What the recorder loads only when it is needed: bundles that lie beside it. */
import type { AgentId, HookRecorder } from '../agents/agent.ts';
import type { Compile } from '../guard/rules/compiled.ts';
import type { regexOf, regexProblem } from '../guard/rules/regex.ts';
import type { readCommand } from '../guard/shell/readCommand.ts';
import type { PersonalRules } from '../redact/redact.ts';
import type { Snapshot } from './commandFiles.ts';
import type { GuardPart, HelperPart } from './guardMoment.ts';
import type { TranscriptTask } from './transcripts.ts';

export interface Parts {
  /** Recorders of all agents but Claude Code, by their ids. */
  agents: {
    recorders: Record<string, HookRecorder>;
    hasOwnHooks: (agent: AgentId, cwd: string) => boolean;
  };
  /** Rules decide whether a tool may run. */
  guard: GuardPart;
  /** Acts upon the agent when its hook has ended. */
  helper: HelperPart;
  /** Reads commands. */
  shell: { readCommand: typeof readCommand };
  /** Files that commands change. */
  snapshot: Snapshot;
  /** What is personal data. */
  personal: PersonalRules;
  /** What only the agent's transcript knows. */
  transcripts: {
    appendTranscript(task: TranscriptTask): boolean;
    sweep(argument: string | undefined): Promise<void>;
  };
  /** Reads the files of rules, when they have changed. */
  rules: { compile: Compile };
  /** Regular expressions of rules, where there are any. */
  regex: { regexProblem: typeof regexProblem; regexOf: typeof regexOf };
}

// Of the bundle: CommonJS.
declare const require: ((path: string) => unknown) | undefined;
declare const __dirname: string;

/** @throws where the bundle is not there: the recorder does what it can without it */
export const part = <Name extends keyof Parts>(name: Name): Parts[Name] =>
  require!(`${__dirname}/${name}.js`) as Parts[Name];
