/** Commands that change the guard, end it, or go around it. */
import type { Condition } from './rule.ts';

const command = (...globs: string[]): Condition => ({
  kind: 'command',
  patterns: globs.map((glob) => ({ glob })),
});

/** Commands of ours that change what the guard does, or answer for a person. */
const OWN = [
  'agent-strace setup',
  ...['on', 'off', 'fail', 'ask', 'allow', 'enforce'].map((verb) => `agent-strace guard ${verb}`),
  'agent-strace config *',
  'agent-strace resume',
  'agent-strace approve',
  'agent-strace answer',
  'agent-strace policy --output',
  'agent-strace policy -o',
  // What agents' settings run, and nobody else.
  'agent-strace-hook',
];

/** `?`: a pattern of `pgrep` has a dot there as well as a dash. */
const PROCESSES = '{*agent?strace*,hook.js,*lib/hook.js*,*lib?hook?js*}';

/** Changes of the guard, and the end of its hooks' processes. */
export function ownCommands(): Condition {
  return {
    kind: 'or',
    of: [
      command(...OWN, `{pkill,killall,skill} ${PROCESSES}`),
      {
        kind: 'and',
        of: [
          command('{kill,skill}'),
          {
            kind: 'or',
            of: [
              command(`{pgrep,pidof} ${PROCESSES}`),
              {
                kind: 'and',
                of: [command('ps'), command(`{grep,egrep,rg,awk,gawk,sed} ${PROCESSES}`)],
              },
            ],
          },
        ],
      },
    ],
  };
}

/** By the names of their programs, and of their packages. */
const AGENTS: Record<string, { names: string; variables: string[]; flags: string[] }> = {
  claude: {
    names: '{claude,claude-code}',
    variables: ['CLAUDE_CONFIG_DIR', 'CLAUDE_CODE_SAFE_MODE', 'CLAUDE_CODE_SIMPLE'],
    flags: ['--bare', '--safe-mode', '--settings', '--setting-sources'],
  },
  codex: {
    names: 'codex',
    variables: ['CODEX_HOME'],
    flags: [
      '--ignore-user-config',
      '--disable *hooks*',
      '--disable=*hooks*',
      '-c *hooks*',
      '-c*hooks*',
      '--config *hooks*',
      '--config=*hooks*',
    ],
  },
  gemini: {
    names: '{gemini,gemini-cli}',
    variables: ['GEMINI_CLI_HOME', 'GEMINI_CLI_SYSTEM_SETTINGS_PATH'],
    flags: ['hooks'],
  },
  copilot: { names: 'copilot', variables: ['COPILOT_HOME', 'XDG_CONFIG_HOME'], flags: [] },
  opencode: {
    names: '{opencode,opencode-ai}',
    variables: ['XDG_CONFIG_HOME', 'OPENCODE_CONFIG_DIR', 'OPENCODE_PURE'],
    flags: ['--pure'],
  },
  cursor: {
    names: '{cursor-agent,cursor}',
    variables: ['CURSOR_CONFIG_DIR', 'XDG_CONFIG_HOME'],
    flags: [],
  },
};

/** An agent that is started with other settings than those that hold our hooks, or with none. */
export function agentCommands(): Condition {
  return command(
    ...Object.values(AGENTS).flatMap(({ names, variables, flags }) => [
      `{${['HOME', 'AGENT_STRACE_HOME', ...variables].join(',')}}=* ${names}`,
      ...flags.map((flag) => `${names} ${flag}`),
    ]),
  );
}
