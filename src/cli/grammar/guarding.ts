import { type Command, Option } from 'commander';
import {
  type Add,
  all,
  atLeastOne,
  collect,
  json,
  markdown,
  type Parsed,
  positive,
  wholeNumber,
} from './values.ts';

/** Commands of the guard and the brake. */
export const addGuarding: Add = (program, io, done) => {
  program
    .command('guard [action] [value]')
    .summary('show or change what agents are kept from')
    .description(
      'Shows what agents are kept from here: by which rules, in which of them, and what tripped last; or changes it, for all projects. Changes are for a person: in a shell that an agent started they are refused.',
    )
    .option('-y, --yes', "renew agents' settings without asking, where a change needs it")
    .addOption(json())
    .addHelpText(
      'after',
      `
Actions:
  status                  what is in force here (default)
  on | off                the safe set: what a careful person forbids any agent
  fail open | closed      where the guard cannot decide: the tool runs, or does not
  ask auto|agent|editor   who asks a person: the agent's own prompt, or VS Code
  allow <rule>            switch a rule of the safe set off
  enforce <rule>          ... and on again

Examples:
  agent-strace guard
  agent-strace guard on
  agent-strace guard fail closed`,
    )
    .action(
      async (
        action: string | undefined,
        value: string | undefined,
        _options: Parsed,
        command: Command,
      ) => {
        const { guard } = await import('../commands/guard.ts');
        done(await guard(io, action, value, all(command)));
      },
    );

  const rules = program
    .command('rules')
    .summary('look at the rules that agents are held to')
    .description(
      'Looks at the rules that agents are held to: docs/rules.md says how they are written.',
    );
  rules
    .command('check [files...]')
    .summary('find mistakes in files of rules')
    .description(
      'Finds mistakes in files of rules: those given, or all that hold here. Exit code 1 where there are any.',
    )
    .addOption(json())
    .action(async (files: string[], _options: Parsed, command: Command) => {
      const { checkRules } = await import('../commands/rules.ts');
      done(await checkRules(io, files, all(command)));
    });
  rules
    .command('list')
    .summary('list what is in force here')
    .description(
      'Lists the rules that are in force here, where they come from, and what they may do.',
    )
    .option('--rules <rules>', 'and these, such as loop:3/10,budget:$5,timeout:30m')
    .addOption(json())
    .action(async (_options: Parsed, command: Command) => {
      const { listRules } = await import('../commands/rules.ts');
      done(await listRules(io, all(command)));
    });
  rules
    .command('test [command...]')
    .summary('say what a call would meet')
    .description(
      'Says which rules a command, or another call, would meet here, without running it. Exit code 1 where it would not run, or a person would be asked.',
    )
    .option('--tool <name>', 'the tool, as Claude Code names it (with a command: Bash)')
    .option('--path <path>', 'the file that the tool is given')
    .option('--rules <rules>', 'with these too, such as secret')
    .option('--trusted', 'as in a trusted workspace, not as in a hook')
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  agent-strace rules test 'cd src && sudo rm -rf ../..'     (a command with options: in quotes)
  agent-strace rules test --tool Write --path .env.production
`,
    )
    .action(async (words: string[], _options: Parsed, command: Command) => {
      const { testRules } = await import('../commands/rulesTest.ts');
      done(await testRules(io, words, all(command)));
    });

  const brakes = [
    {
      name: 'pause',
      summary: 'freeze an agent and everything it runs',
      text: 'Freezes an agent with everything it runs, until it is resumed. Nothing is lost.',
    },
    {
      name: 'resume',
      summary: 'let a paused agent go on',
      text: 'Continues what was paused here or in VS Code, and nothing else.',
    },
    {
      name: 'stop',
      summary: 'end an agent and everything it runs',
      text: 'Asks an agent to end; what is left of it after the grace is killed.',
    },
    {
      name: 'kill',
      summary: 'kill an agent and everything it runs, at once',
      text: 'Kills an agent with everything it runs. It can save nothing. Asks before it does.',
    },
  ] as const;
  for (const { name, summary, text } of brakes) {
    const command = program
      .command(`${name} [id]`)
      .summary(summary)
      .description(`${text} Without an id: the one agent that runs here.`)
      .addOption(json());
    if (name === 'stop') {
      command.option('--grace <seconds>', 'time to end by itself (default: 5)', positive);
    }
    if (name === 'kill') command.option('-y, --yes', 'do not ask');
    command.action(async (id: string | undefined, _options: Parsed, self: Command) => {
      const { control } = await import('../commands/control.ts');
      done(await control(io, name, id, all(self)));
    });
  }

  program
    .command('watch [id]')
    .summary('hold running agents to rules: budget, time, loops')
    .description(
      'Follows the sessions that run here (or one), keeps their cost up to date, and does what their rules say: alert, pause, stop, kill. Its own rules are enforced by the recorder, too, before a tool runs.',
    )
    .option('--timeout <time>', 'stop a session after so long: 30m, 1h30m, 90s')
    .option('--budget <usd>', 'stop a session at so much: 5, $0.50')
    .option('--rules <rules>', 'loop:3/10,idle:10m,… or a file of rules; may be repeated', collect)
    .option('--policy <file>', 'a policy (.agent-scope.json): what it forbids is denied')
    .option('--config <file>', 'a file of watchers (.agent-watch.json)')
    .addOption(
      new Option(
        '--on-violation <what>',
        'terminal: say it, and do as the rule says (default); file: into alerts.log, too; kill: whatever trips, kills',
      ).choices(['terminal', 'file', 'kill']),
    )
    .option(
      '--on-death <command>',
      'run this when a session was ended or crashed; {post_mortem_path} is its post-mortem',
    )
    .option('--max-context-pct <n>', 'alert from so much of the context window on', positive)
    .option('--max-retries <n>', 'alert above so many retries', wholeNumber)
    .option('--max-cost <usd>', 'alert above so much', positive)
    .option('--max-duration <seconds>', 'alert after so long', positive)
    .option('--loop-threshold <n>', 'the same call so often is a loop', wholeNumber)
    .option('--loop-window <n>', '… among so many calls (default: 10)', wholeNumber)
    .option('--dry-run', 'say what would be done, and do nothing')
    .addOption(json())
    .addHelpText(
      'after',
      `
It ends with the sessions, or with Ctrl-C. Exit codes: 0 nothing tripped, 2 a rule tripped, 3 a session was ended by one

Examples:
  agent-strace watch --budget 5 --timeout 30m
  agent-strace watch --rules loop:3/10,idle:10m=pause
  agent-strace watch --budget 5 --on-death 'mail -s died me < {post_mortem_path}'`,
    )
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { watch } = await import('../commands/watch.ts');
      done(await watch(io, id, all(command)));
    });

  program
    .command('audit [id]')
    .summary('hold a session against a policy')
    .description(
      'Holds what a session did against the policy of its project (.agent-scope.json), and shows which sensitive files it touched, which calls were denied, and which commands cannot be read.',
    )
    .option('--policy <file>', 'this policy instead of the one of the project')
    .option('--all', 'all sessions of the trace folder')
    .addOption(markdown())
    .addOption(json())
    .addHelpText(
      'after',
      `
Exit codes: 0 no violations, 1 violations, 2 the policy has mistakes

Examples:
  agent-strace audit
  agent-strace audit 3f2a --policy strict.json
  agent-strace audit --all --json | jq '.sessions[].violations'`,
    )
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { audit } = await import('../commands/audit.ts');
      done(await audit(io, id, all(command)));
    });

  program
    .command('policy')
    .summary('write a policy from what sessions did')
    .description(
      'Makes a policy (.agent-scope.json) that allows what was observed: files read and written, commands, hosts. Prints it, or writes it to a file.',
    )
    .option('--last <n>', 'of so many sessions, the latest (default: all)', atLeastOne)
    .option('-o, --output <file>', 'write it to this file')
    .option('--force', 'write over a file that is there')
    .addHelpText(
      'after',
      `
Examples:
  agent-strace policy --last 10
  agent-strace policy --output .agent-scope.json`,
    )
    .action(async (_options: Parsed, command: Command) => {
      const { policy } = await import('../commands/policy.ts');
      done(await policy(io, all(command)));
    });

  program
    .command('postmortem [id]')
    .summary('tell how a session came to its end')
    .description(
      'Tells why a session was ended or crashed, what it cost, which files it left half changed, and gives a text to go on with. Without an id: the last one that was ended by a rule, or crashed.',
    )
    .option('--list', 'all sessions that were ended by a rule, or crashed')
    .addOption(json())
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { postmortem } = await import('../commands/postmortem.ts');
      done(await postmortem(io, id, all(command)));
    });
};
