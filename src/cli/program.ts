/** The grammar of the command line. Each command's own code is loaded when it is run. */
import { Command, CommanderError } from 'commander';
import { sanitizeTerminal } from '../report/terminalText.ts';
import { EXIT } from './exit.ts';
import { addGuarding } from './grammar/guarding.ts';
import { addReading } from './grammar/reading.ts';
import { addRecording } from './grammar/recording.ts';
import { CliError, Interrupted, type Io, styleFor } from './io.ts';

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
  agent-strace explain                 what the last session did, phase by phase
  agent-strace cost                    what it cost, and what was wasted
  agent-strace pause                   freeze the agent that runs now
  agent-strace guard                   what agents are kept from
  agent-strace import --discover       what your past sessions cost

Exit codes: 0 done, 1 nothing found or refused, 2 wrong use or bad input, 70 a fault of ours, 130 Ctrl-C
Environment: AGENT_TRACE_DIR, AGENT_STRACE_HOME, NO_COLOR, FORCE_COLOR`,
  );
  // In this order they stand in the help.
  addRecording(program, io, done);
  addReading(program, io, done);
  addGuarding(program, io, done);
  return program;
}
