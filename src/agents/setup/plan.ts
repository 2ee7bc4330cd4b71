/** The words of set-up: what is asked for, what would change, and what an agent says of its settings. */
import type { AgentId, Env } from '../agent.ts';
import type { Step } from './jsonEdit.ts';

/** Whose settings: the user's own for one project, a project's (shared), or the user's for all. */
export type SetupScope = 'local' | 'project' | 'user';

export interface PlanOptions {
  scope: SetupScope;
  /** Absolute path. */
  projectDir: string;
  /** Take our entries out instead. */
  remove?: boolean;
  /** What the agent's `--version` printed, where it could be run. */
  agentVersion?: string | undefined;
  /** What the person chose for hooks that cannot be run. Default `open`: the tool runs. */
  fail?: FailMode;
  env?: Env;
}

export type FailMode = 'open' | 'closed';

export interface SetupProblem {
  /** `error`: nothing will be changed. */
  severity: 'error' | 'warning';
  message: string;
}

/** What set-up would change in one settings file. */
export interface SetupPlan {
  agent: AgentId;
  scope: SetupScope;
  projectDir: string;
  remove: boolean;
  /** The settings file by its usual name. */
  file: string;
  /** The file that is written: `file`, or what it links to. */
  target: string;
  /** Its text; undefined: there is none. */
  before: string | undefined;
  after: string | undefined;
  changed: boolean;
  problems: SetupProblem[];
  /** The agent's events that will be recorded. */
  events: string[];
  /** The file that records the agent here already, so that nothing is added to this one. */
  coveredBy?: string;
  /** How `after` is made `before` again. */
  undo?: { existed: boolean; steps: Step[] };
}

/** How our part of one settings file is told, added and taken out. Texts have no byte order mark. */
export interface SettingsEdit {
  /** The agent's events that are recorded. */
  events: string[];
  /** Whether there is anything of ours. @throws SettingsError */
  hasOurs(text: string): boolean;
  /** Whether it is just what {@link add} would write. @throws SettingsError */
  isUpToDate(text: string): boolean;
  /** The text with our part; it has none yet, and may be empty. @throws SettingsError */
  add(text: string): { text: string; steps: Step[] };
  /** The text without our part; undefined: nothing else was ever in the file. @throws SettingsError */
  remove(text: string): string | undefined;
}

/** One agent's settings. Adding an agent is writing one of these. */
export interface AgentSetup {
  /** Whose name stands in what is written: agents that read the same file share one. */
  agent: AgentId;
  /** Scopes that it has settings for; the first is taken where none is asked for. */
  scopes: readonly SetupScope[];
  /** Whether it reads settings at the root of the repository wherever it is started; else only where it is. */
  atRoot(options: Omit<PlanOptions, 'projectDir'>): boolean;
  /** It runs a hook that it finds in two settings files once. */
  runsTwinsOnce?: boolean;
  file(options: PlanOptions): string;
  edit(options: PlanOptions): SettingsEdit;
  /**
   * What a person should know before saying yes.
   *
   * @param text of the settings as they are, without a byte order mark; undefined: there are none
   * @throws SettingsError
   */
  warnings?(options: PlanOptions, text: string | undefined): string[];
  /** What to do once it is set up, in whole sentences. */
  next?(plan: SetupPlan, agents: readonly AgentId[]): string[];
}
