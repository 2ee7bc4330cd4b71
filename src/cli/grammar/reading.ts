import { type Command, Option } from 'commander';
import { COST_BY } from '../../report/costWays.ts';
import {
  type Add,
  all,
  atLeastOne,
  collect,
  json,
  limit,
  markdown,
  type Parsed,
  positive,
  share,
  showAll,
  wholeNumber,
} from './values.ts';

/** Commands that read sessions. */
export const addReading: Add = (program, io, done) => {
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
      const { list } = await import('../commands/list.ts');
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
      const { replay } = await import('../commands/replay.ts');
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
    .option('--markdown', 'print one step as Markdown')
    .addOption(new Option('--json', 'JSON is what it prints in any case'))
    .action(
      async (
        id: string | undefined,
        step: string | undefined,
        _options: Parsed,
        command: Command,
      ) => {
        const { inspect } = await import('../commands/inspect.ts');
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
    .addOption(limit('rows a table', 20))
    .addOption(showAll('all rows'))
    .addOption(markdown())
    .addOption(json())
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { stats } = await import('../commands/stats.ts');
      done(await stats(io, id, all(command)));
    });

  program
    .command('explain [id]')
    .summary('say in plain words what a session did')
    .description(
      'Says in plain words what a session did, phase by phase: what was asked, read, changed and run, what failed and whether it came right, and what was paid for nothing.',
    )
    .option('--phase <n>', 'only this phase, with more of it', atLeastOne)
    .addOption(limit('phases', 40))
    .addOption(showAll('all phases'))
    .addOption(markdown())
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
      const { explain } = await import('../commands/explain.ts');
      done(await explain(io, id, all(command)));
    });

  program
    .command('timeline [id]')
    .summary("show a session's phases with their steps")
    .description(
      "Shows a session's phases with what each cost, failed and tried again, and their steps: reads and searches folded, what changed, ran and failed one by one.",
    )
    .addOption(limit('lines a phase', '20; JSON: all'))
    .addOption(showAll('every phase, and every step'))
    .addOption(markdown())
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  agent-strace timeline 3f2a --all
  agent-strace timeline --json | jq '.phases[] | {name, outcome, cost_usd}'`,
    )
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { timeline } = await import('../commands/timeline.ts');
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
    .addHelpText(
      'after',
      `
Examples:
  agent-strace cost
  agent-strace cost 3f2a --by waste
  agent-strace cost 3f2a --by file --csv > files.csv
  agent-strace cost --all --json | jq '.sessions[] | [.title, .cost_usd]'`,
    )
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { cost } = await import('../commands/cost.ts');
      done(await cost(io, id, all(command)));
    });

  program
    .command('diff <a> <b>')
    .summary('show what two sessions did differently')
    .description(
      'Shows two sessions phase by phase: which goals they share, which files and commands only one of them had, and where they first part.',
    )
    .option('--semantic', 'what came of them instead: tests, files, commits, cost, time')
    .addOption(limit('phases', 40))
    .addOption(showAll('all phases, divergences and files'))
    .addOption(markdown())
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  agent-strace diff 3f2a 91bc
  agent-strace diff 3f2a 91bc --semantic`,
    )
    .action(async (a: string, b: string, _options: Parsed, command: Command) => {
      const { diff } = await import('../commands/diff.ts');
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
    .addOption(limit('phases', 40))
    .addOption(showAll('all phases and divergences'))
    .addOption(json())
    .addHelpText(
      'after',
      `
A session has a tag if its name has it as a word with # (#baseline) or is it, or
if its meta.json names it as its team or among its tags. Names are given in
VS Code, by Rename Session.

Examples:
  agent-strace compare 3f2a 91bc
  agent-strace compare --tag before --tag after --fail-on-regression
  agent-strace compare --tag nightly --by model`,
    )
    .action(
      async (a: string | undefined, b: string | undefined, _options: Parsed, command: Command) => {
        const { compare } = await import('../commands/compare.ts');
        done(await compare(io, a, b, all(command)));
      },
    );

  program
    .command('why [words...]')
    .usage('[options] [id] <step>')
    .summary('show what led to a step')
    .description(
      'Shows what led to a step, back to the prompt: each cause with what shows it, and how sure that is (asked, evidence, likely). A step is a number, as replay --numbers shows it, the id of an event, or last-error.',
    )
    .addOption(markdown())
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
      const { why } = await import('../commands/why.ts');
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
        const { annotate } = await import('../commands/annotate.ts');
        done(await annotate(io, id, step, all(command)));
      },
    );

  program
    .command('context [id]')
    .summary('show what fills the context window')
    .description(
      'Shows what filled the context window at each turn, compactions with what was dropped, and the results that took most of it.',
    )
    .option('--requests', 'each request, not each turn')
    .option('--lane <subagent>', 'of this subagent: its id, a beginning of it, or its type')
    .option('--subagents', 'of all subagents, too')
    .option('--window <tokens>', 'the size of the window, where it is not known', atLeastOne)
    .addOption(limit('turns', 40))
    .addOption(showAll('all turns'))
    .addOption(markdown())
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  agent-strace context
  agent-strace context 3f2a --requests --limit 20
  agent-strace context 3f2a --lane Explore`,
    )
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { context } = await import('../commands/context.ts');
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
Fields: tool:Bash file:auth.ts error:timeout kind:prompt agent:codex
        session:3f2a cost:>1 date:7d; error: alone finds any error
Phrases stand in quotation marks; NOT or - leaves out (after --, where it comes
first).

Examples:
  agent-strace search '"connection refused" date:7d'
  agent-strace search 'tool:Bash AND error:timeout OR cost:>5'
  agent-strace search 'kind:prompt migration' --json | jq -r '.[].excerpt'

Exit codes: 0 found, 1 nothing found, 2 the query cannot be read`,
    )
    .action(async (words: string[], _options: Parsed, command: Command) => {
      const { search } = await import('../commands/search.ts');
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
    .option('--window <tokens>', 'the size of the window, where it is not known', atLeastOne)
    .addOption(limit('agents', 40))
    .addOption(showAll('all agents'))
    .option('--peak', 'judge how full it was at most, not how full it is')
    .addOption(markdown())
    .addOption(json())
    .addHelpText('after', '\nExit codes: 0 no window is too full, 1 one is')
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { tokenBudget } = await import('../commands/tokenBudget.ts');
      done(await tokenBudget(io, id, all(command)));
    });

  program
    .command('tree [id]')
    .summary('show a session with its subagents and the sessions that it started')
    .description(
      'Shows a session with its subagents and the sessions that it started: who started whom at which step, own and total cost, calls, errors, duration.',
    )
    .addOption(limit('agents', 40))
    .addOption(showAll('all agents'))
    .addOption(json())
    .action(async (id: string | undefined, _options: Parsed, command: Command) => {
      const { tree } = await import('../commands/tree.ts');
      done(await tree(io, id, all(command)));
    });
};
