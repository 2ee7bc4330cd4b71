/** What a command may answer with. Part of the contract: docs/commands.md. */
export const EXIT = {
  ok: 0,
  /** Nothing was found: no trace folder, no such session; or the command has a finding. */
  none: 1,
  /** The command line, or a file that it names, cannot be used. */
  usage: 2,
  /** A fault of ours. */
  internal: 70,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
