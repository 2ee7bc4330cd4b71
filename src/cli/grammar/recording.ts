import { type Command, Option } from 'commander';
import { AGENT_IDS } from '../../agents/agent.ts';
import { type Add, agentNames, all, json, type Parsed } from './values.ts';

/** Commands that record, and what is chosen for recording. */
export const addRecording: Add = (program, io, done) => {
  program
    .command('setup')
    .summary("record an agent's sessions")
    .description(
      "Adds the recorder to an agent's settings. Shows what will change and asks before it does.",
    )
    .option('--cli <agents>', `${AGENT_IDS.join(', ')}, or all that are installed`, agentNames)
    .addOption(
      new Option(
        '--scope <scope>',
        'whose settings: yours for this project (Claude Code only, its default), the project’s, yours for all',
      ).choices(['local', 'project', 'user']),
    )
    .option('-y, --yes', 'do not ask')
    .option('--remove', 'take the recorder out again')
    .addOption(
      new Option(
        '--guard <set>',
        'stop dangerous calls before they run, too: safe, or off',
      ).choices(['safe', 'off']),
    )
    .addOption(
      new Option('--fail <mode>', 'where the guard cannot decide: the tool runs, or not').choices([
        'open',
        'closed',
      ]),
    )
    .option('--list', 'show which agents are here, and which are recorded')
    .addOption(json())
    .addHelpText(
      'after',
      `
Without --cli it asks which, where it can; else it is claude.

Examples:
  agent-strace setup --list
  agent-strace setup --cli all
  agent-strace setup --cli codex,gemini --scope project
  agent-strace setup --cli all --guard safe
  agent-strace setup --cli all --remove`,
    )
    .action(async (_options: Parsed, command: Command) => {
      const { setup } = await import('../commands/setup.ts');
      done(await setup(io, all(command)));
    });

  program
    .command('hook [words...]')
    .summary('run the recorder, as an agent does')
    .description(
      'Runs the recorder with the payload of a hook on standard input. Agents run it by a launcher of its own; this is for people.',
    )
    .usage('--agent claude <event>')
    .allowUnknownOption()
    .action(async (words: string[], _options: Parsed, command: Command) => {
      const { hook } = await import('../commands/hook.ts');
      hook(io, words, all(command).traceDir as string | undefined);
    });

  program
    .command('import [file]')
    .summary('read past sessions from their transcripts')
    .description(
      "Adds an agent's transcript to the trace folder, whichever agent's it is. Importing twice adds nothing twice.",
    )
    .option('--discover', 'show what all past sessions cost; imports nothing')
    .option('--all', 'with --discover: import all of them')
    .addOption(new Option('--cli <agent>', 'only of this agent').choices(AGENT_IDS))
    .option('--dir <dir>', "with --cli: the agent's own folder (default: where it keeps its files)")
    .option('--claude-dir <dir>', 'short for --cli claude --dir')
    .option('--no-redact', 'leave secrets in')
    .option('--mask', 'take personal data out too: e-mail, phone, card, SSN, IBAN, IP, AWS account')
    .option('--no-mask', 'do not, whatever was chosen with config')
    .addOption(json())
    .action(async (file: string | undefined, _options: Parsed, command: Command) => {
      const { importCommand } = await import('../commands/import.ts');
      done(await importCommand(io, file, all(command)));
    });

  program
    .command('archive')
    .summary("keep agents' transcripts before they delete them")
    .description(
      'Copies the transcripts of all agents, as they are, to ~/.agent-strace/archive. Only what is new or has grown is copied, and nothing is ever deleted there.',
    )
    .addOption(new Option('--cli <agent>', 'only of this agent').choices(AGENT_IDS))
    .option('--dry-run', 'only say what would be copied')
    .option('--list', 'show what the archive holds')
    .addOption(json())
    .action(async (_options: Parsed, command: Command) => {
      const { archive } = await import('../commands/archive.ts');
      done(await archive(io, all(command)));
    });

  program
    .command('config [name] [value]')
    .summary('show or change what is chosen for all sessions')
    .description(
      'Shows what is chosen for all sessions, or changes it: config mask on takes e-mail addresses, phone and card numbers, SSN, IBAN, IP addresses and AWS accounts out of what is recorded from then on.',
    )
    .addOption(json())
    .action(
      async (
        name: string | undefined,
        value: string | undefined,
        _options: Parsed,
        command: Command,
      ) => {
        const { config } = await import('../commands/config.ts');
        done(await config(io, name, value, all(command)));
      },
    );
};
