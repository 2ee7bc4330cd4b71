/** The grammar of the command line. Each command's own code is loaded when it is run. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { AGENT_IDS, type AgentId, isAgentId } from '../agents/agent.ts';
import { COST_BY } from '../report/costWays.ts';
import { sanitizeTerminal } from '../report/terminalText.ts';
import { EXIT } from './exit.ts';
import { CliError, Interrupted, type Io, styleFor } from './io.ts';

interface Parsed {
  [name: string]: unknown;
}

/** Runs the command line. @returns the exit code */
export async function run(io: Io, args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = buildProgram(io, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(helpAsked(program, args), { from: 'user' });
    return code;
  } catch (error) {
    return explainError(io, error);
  }
}

/** Left to itself the library shows the general help for a command that there is not, and no word of it. */
function helpAsked(program: Command, args: readonly string[]): readonly string[] {
  const [first, topic = '-'] = args;
  if (first !== 'help' || topic.startsWith('-')) return args;
  if (topic === 'help') return ['help'];
  return program.commands.some((command) => command.name() === topic) ? args : [topic];
}

function explainError(io: Io, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof Interrupted || io.signal.aborted) return EXIT.interrupted;
  const style = styleFor(io, io.stderr);
  if (error instanceof CliError) {
    const hint = error.hint === '' ? '' : `\n${sanitizeTerminal(error.hint)}`;
    io.stderr.write(`${style.red(sanitizeTerminal(error.message))}${hint}\n`);
    return error.code;
  }
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.stderr.write(`${style.red('agent-strace has a fault:')} ${sanitizeTerminal(told)}\n`);
  return EXIT.internal;
}

function buildProgram(io: Io, done: (code: number) => void): Command {
  const program = new Command('agent-strace');
  program
    .description('strace for AI coding agents: what they did, what it cost, and why.')
    .version(io.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .option('--trace-dir <dir>', 'trace folder (default: AGENT_TRACE_DIR, or that of the project)')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // What is wrong is quoted, and it may come from anywhere.
      writeErr: (text) => void io.stderr.write(sanitizeTerminal(text)),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  program.addHelpText(
    'after',
    `
Sessions are named by their id or its beginning; without one it is the session active last.

Examples:
  agent-strace setup                   record Claude Code, Codex, … in this project
  agent-strace list                    what was recorded
  agent-strace replay --live           watch the session that runs now
  agent-strace cost                    what the last session cost, and why
  agent-strace pause                   freeze the agent that runs now
  agent-strace guard                   what agents are kept from
  agent-strace import --discover       what your past sessions cost

Exit codes: 0 done, 1 nothing found or refused, 2 wrong use or bad input, 70 a fault of ours, 130 Ctrl-C
Environment: AGENT_TRACE_DIR, AGENT_STRACE_HOME, NO_COLOR, FORCE_COLOR`,
  );
  const json = (): Option => new Option('--json', 'print JSON');
  /** Options as the command sees them, those given before its name included. */
  const all = (command: Command): Parsed => command.optsWithGlobals();

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
      const { setup } = await import('./commands/setup.ts');
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
      const { hook } = await import('./commands/hook.ts');
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
      const { importCommand } = await import('./commands/import.ts');
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
      const { archive } = await import('./commands/archive.ts');
      done(await archive(io, all(command)));
    });

  program
    .command('list')
    .summary('list the sessions')
    .description('Lists the sessions of the trace folder, the one active last first.')
    .option(
      '--limit <n>',
      'at most so many, 0: all (default: 50 on a terminal, else all)',
      wholeNumber,
    )
    .addOption(json())
    .action(async (_options: Parsed, command: Command) => {
      const { list } = await import('./commands/list.ts');
      done(await list(io, all(command)));
    });

  program
    .command('replay [id]')
    .summary('show a session step by step')
    .description('Shows a session step by step, or follows one that runs.')
    .option('--live', 'follow the session until it ends, or Ctrl-C')
    .option(
      '--speed <n>',
      'wait between steps as long as it took, divided by n (2 s at most)',
      positive,
    )
    .option('--filter <types>', 'only these: kinds of steps or event types, with commas')
    .option(
      '--limit <n>',
      'at most so many steps (with --live: of those before now, the last)',
      wholeNumber,
    )
    .option('--numbers', 'number the steps, as why and annotate take them')
    .addOption(new Option('--json', 'print the events, one a line'))
    .addHelpText(
      'after',
      `
Examples:
  agent-strace replay 3f2a --filter prompt,error,denied
  agent-strace replay --live --limit 20
  agent-strace replay --json | jq .data.tool_name`,
    )
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { replay } = await import('./commands/replay.ts');
      done(await replay(io, id, all(command)));
    });

  program
    .command('inspect [id] [step]')
    .summary('print a session with all its events as JSON, or one step')
    .description(
      'Prints a session with all its events as JSON; or one step: its event, the result, and the model response that it is part of. A step is a number from 1 up, the id of an event, or last-error. For reading: replay, stats.',
    )
    .option('--step <step>', 'one step, of the session active last where no id is given')
    .option('--mask', 'take personal data out: e-mail, phone, card, SSN, IBAN, IP, AWS account')
    .addOption(new Option('--json', 'JSON is what it prints in any case'))
    .action(
      async (
        id: string | undefined,
        step: string | undefined,
        _options: Parsed,
        command: Command,
      ) => {
        const { inspect } = await import('./commands/inspect.ts');
        done(await inspect(io, id, step, all(command)));
      },
    );

  program
    .command('stats [id]')
    .summary('show what a session did, in numbers')
    .description('Shows tools, files, subagents, retries and failures of a session.')
    .option(
      '--include-subagents',
      'add sessions that this one started (subagents of its own are always in it)',
    )
    .addOption(json())
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { stats } = await import('./commands/stats.ts');
      done(await stats(io, id, all(command)));
    });

  program
    .command('explain [id]')
    .summary('say in plain words what a session did')
    .description(
      'Says in plain words what a session did, phase by phase: what was asked, read, changed and run, what failed and whether it came right, and what was paid for nothing.',
    )
    .option('--phase <n>', 'only this phase, with more of it', atLeastOne)
    .option('--all', 'all phases, however many there are')
    .option('--markdown', 'print Markdown')
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  agent-strace explain
  agent-strace explain 3f2a --phase 4
  agent-strace explain --json | jq '.phases[] | select(.outcome == "failed")'`,
    )
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { explain } = await import('./commands/explain.ts');
      done(await explain(io, id, all(command)));
    });

  program
    .command('timeline [id]')
    .summary("show a session's phases with their steps")
    .description(
      "Shows a session's phases with what each cost, failed and tried again, and their steps: reads and searches folded, what changed, ran and failed one by one.",
    )
    .option('--limit <n>', 'at most so many lines a phase (default: 20; JSON: all)', atLeastOne)
    .option('--all', 'every step')
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  agent-strace timeline 3f2a --all
  agent-strace timeline --json | jq '.phases[] | {name, outcome, cost_usd}'`,
    )
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { timeline } = await import('./commands/timeline.ts');
      done(await timeline(io, id, all(command)));
    });

  program
    .command('cost [id]')
    .summary('show what a session cost')
    .description(
      'Shows what a session cost: by model, phase and tool, own and subagents, reconciled; and what was paid for nothing, why, and what would help.',
    )
    .option('--all', 'all sessions of the trace folder')
    .addOption(new Option('--by <part>', 'one table in full').choices(COST_BY))
    .option('--csv', 'with --by: as CSV')
    .addOption(json())
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { cost } = await import('./commands/cost.ts');
      done(await cost(io, id, all(command)));
    });

  program
    .command('diff <a> <b>')
    .summary('show what two sessions did differently')
    .description(
      'Shows two sessions phase by phase: which goals they share, which files and commands only one of them had, and where they first part.',
    )
    .option('--semantic', 'what came of them instead: tests, files, commits, cost, time')
    .addOption(json())
    .action(async (a: string, b: string, _options: Parsed, command: Command) => {
      const { diff } = await import('./commands/diff.ts');
      done(await diff(io, a, b, all(command)));
    });

  program
    .command('compare [a] [b]')
    .summary('say which of two runs was better, and how surely')
    .description(
      'Compares B with A: cost, time, calls, errors, waste, and where they part. A winner is named only where both were given the same prompts and did the job. Without B it is the latest session; without A the one before it with the same prompt.',
    )
    .option(
      '--tag <tag>',
      'sessions with this tag instead; twice: those of the first against those of the second',
      collect,
    )
    .option('--last <n>', 'with --tag: only the latest n of each', wholeNumber)
    .addOption(
      new Option('--by <what>', 'with one --tag: two groups, by who ran them').choices([
        'agent',
        'model',
      ]),
    )
    .option('--fail-on-regression', 'exit code 1 where B is worse, 2 where that cannot be said')
    .addOption(
      new Option('--sure <how>', 'with --fail-on-regression: how sure that must be').choices([
        'hint',
        'likely',
        'sure',
      ]),
    )
    .option('--markdown', 'print Markdown, for a pull request')
    .addOption(json())
    .addHelpText(
      'after',
      `
A session has a tag if its name has it as a word with # (#baseline) or is it, or if its meta.json names it as its team or among
its tags. Names are given in VS Code, by Rename Session.

Examples:
  agent-strace compare 3f2a 91bc
  agent-strace compare --tag before --tag after --fail-on-regression
  agent-strace compare --tag nightly --by model`,
    )
    .action(
      async (a: string | undefined, b: string | undefined, _options: Parsed, command: Command) => {
        const { compare } = await import('./commands/compare.ts');
        done(await compare(io, a, b, all(command)));
      },
    );

  program
    .command('why <words...>')
    .usage('[options] [id] <step>')
    .summary('show what led to a step')
    .description(
      'Shows what led to a step, back to the prompt: each cause with what shows it, and how sure that is (asked, evidence, likely). A step is a number, as replay --numbers shows it, the id of an event, or last-error.',
    )
    .option('--markdown', 'print Markdown')
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  agent-strace why 118
  agent-strace why 3f2a last-error
  agent-strace why 3f2a 9f31c0de77aa --json`,
    )
    .action(async (words: string[], _options: Parsed, command: Command) => {
      const { why } = await import('./commands/why.ts');
      done(await why(io, words, all(command)));
    });

  program
    .command('annotate [id] [step]')
    .summary('note something on a step')
    .description(
      'Keeps a note or a label on a step, beside the trace; replay shows it. Without a step, --event and --at: on the last step. Without anything to note: lists what is noted.',
    )
    .option('--event <step>', 'the step: a number, the id of an event, or last-error')
    .option('--at <time>', 'the step nearest to this time since the beginning: 2m14s, 134s, 2:14')
    .option('--note <text>', 'what to note')
    .option(
      '--label <label>',
      'root-cause, decision, retry, fix, question, bookmark, other, or your own',
    )
    .option('--author <name>', 'who notes it (default: your user name)')
    .option('--list', 'list what is noted')
    .option('--delete <id>', 'take a note away')
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  agent-strace annotate --event 118 --label root-cause --note 'the cache key lacks the tenant'
  agent-strace annotate 3f2a 118 --note 'here it went wrong'
  agent-strace annotate 3f2a --at 2m14s --label question
  agent-strace annotate 3f2a --list`,
    )
    .action(
      async (
        id: string | undefined,
        step: string | undefined,
        _options: Parsed,
        command: Command,
      ) => {
        const { annotate } = await import('./commands/annotate.ts');
        done(await annotate(io, id, step, all(command)));
      },
    );

  program
    .command('context [id]')
    .summary('show what fills the context window')
    .description(
      'Shows what filled the context window at each turn, compactions with what was dropped, and the results that took most of it.',
    )
    .option('--all', 'each request, not each turn')
    .option('--lane <subagent>', 'of this subagent: its id, a beginning of it, or its type')
    .option('--subagents', 'of all subagents, too')
    .option('--limit <tokens>', 'the size of the window, where it is not known', atLeastOne)
    .option('--markdown', 'print Markdown')
    .addOption(json())
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { context } = await import('./commands/context.ts');
      done(await context(io, id, all(command)));
    });

  program
    .command('search <query...>')
    .summary('look for something in all sessions')
    .description(
      'Looks for words in prompts, answers, reasoning, commands, results, errors and paths of all sessions, the newest first. Words side by side are said by one step; AND joins what one session has, OR what any has.',
    )
    .option('--limit <n>', 'at most so many hits, 0: all (default: 50)', wholeNumber)
    .addOption(json())
    .addHelpText(
      'after',
      `
Fields: tool:Bash file:auth.ts error:timeout kind:prompt agent:codex session:3f2a cost:>1 date:7d
Phrases stand in quotation marks; NOT or - leaves out (after --, where it comes first).

Examples:
  agent-strace search '"connection refused" date:7d'
  agent-strace search 'tool:Bash AND error:timeout OR cost:>5'
  agent-strace search 'kind:prompt migration' --json | jq -r '.[].excerpt'

Exit codes: 0 found, 1 nothing found, 2 the query cannot be read`,
    )
    .action(async (words: string[], _options: Parsed, command: Command) => {
      const { search } = await import('./commands/search.ts');
      done(await search(io, words, all(command)));
    });

  program
    .command('token-budget [id]')
    .summary('say how full the context windows are')
    .description(
      'Shows how full the context window of each agent of a session is, by its last request, against what its model can hold.',
    )
    .option('--warn-at <share>', 'too full from here on: 0.9, or 90% (default: 0.9)', share)
    .addOption(new Option('--warning-threshold <share>', 'the same').argParser(share).hideHelp())
    .option('--limit <tokens>', 'the size of the window, where it is not known', atLeastOne)
    .option('--peak', 'judge how full it was at most, not how full it is')
    .addOption(json())
    .addHelpText('after', '\nExit codes: 0 no window is too full, 1 one is')
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { tokenBudget } = await import('./commands/tokenBudget.ts');
      done(await tokenBudget(io, id, all(command)));
    });

  program
    .command('tree [id]')
    .summary('show a session with its subagents and the sessions that it started')
    .description(
      'Shows a session with its subagents and the sessions that it started: who started whom at which step, own and total cost, calls, errors, duration.',
    )
    .addOption(json())
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { tree } = await import('./commands/tree.ts');
      done(await tree(io, id, all(command)));
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
        const { config } = await import('./commands/config.ts');
        done(await config(io, name, value, all(command)));
      },
    );

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
        const { guard } = await import('./commands/guard.ts');
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
      const { checkRules } = await import('./commands/rules.ts');
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
      const { listRules } = await import('./commands/rules.ts');
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
      const { testRules } = await import('./commands/rulesTest.ts');
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
      const { control } = await import('./commands/control.ts');
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
      const { watch } = await import('./commands/watch.ts');
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
    .option('--markdown', 'print Markdown')
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
      const { audit } = await import('./commands/audit.ts');
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
      const { policy } = await import('./commands/policy.ts');
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
      const { postmortem } = await import('./commands/postmortem.ts');
      done(await postmortem(io, id, all(command)));
    });

  return program;
}

const collect = (text: string, before: string[] = []): string[] => [...before, text];

function agentNames(text: string): AgentId[] | 'all' {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('all')) return 'all';
  const agents = names.filter(isAgentId);
  if (agents.length < names.length) {
    const wrong = names.filter((name) => !isAgentId(name)).map((name) => `"${name}"`);
    const which = names.length > 1 ? `There is no agent ${wrong.join(', ')}. ` : '';
    throw new InvalidArgumentError(`${which}Allowed choices are ${AGENT_IDS.join(', ')}, all.`);
  }
  return [...new Set(agents)];
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 0 up.');
  return Number(text);
}

function atLeastOne(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It must be a whole number from 1 up.');
  return value;
}

/** `0.9`, `90` or `90%`: a share from above 0 to 1. */
function share(text: string): number {
  const [, digits, sign] = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(text) ?? [];
  const number = Number(digits ?? Number.NaN);
  const value = sign === '%' || number > 1 ? number / 100 : number;
  if (!(value > 0 && value <= 1)) {
    throw new InvalidArgumentError('It must be a share from above 0 to 1, such as 0.9 or 90%.');
  }
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return value;
}
