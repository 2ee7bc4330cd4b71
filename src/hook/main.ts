/**
 * The process that an agent runs at each of its hooks: `hook.js --agent claude PreToolUse`, the payload on
 * standard input. It prints nothing and exits with 0, whatever happens: it must never be the reason why an
 * agent stops, waits or reads something that nobody wrote.
 *
 * Environment: `AGENT_STRACE_DISABLE=1` records nothing, `AGENT_TRACE_NO_REDACT=1` leaves secrets in,
 * `AGENT_STRACE_MASK=1` takes personal data out too (`0`: not, whatever was chosen), `AGENT_TRACE_DIR` names the trace folder, `AGENT_STRACE_HOME` the state folder, `AGENT_STRACE_LOOK_MS` how
 * long the files that a command changes may be looked for.
 */
import { logProblem } from './log.ts';
import { recordHook } from './record.ts';
import { sweep } from './sweep.ts';

// The process' start is the moment nearest to what it tells of. (`performance` would cost 1 ms more.)
const timestamp = Date.now() / 1000 - process.uptime();

function fail(error: unknown): void {
  logProblem('hook failed', error);
  process.exit(0);
}

function main(): void {
  if (process.env.AGENT_STRACE_DISABLE === '1') return;
  process.umask(0o077);
  const words = process.argv.slice(2).filter((word, at) => !(at === 0 && word === 'hook'));
  if (words[0] === '--sweep') {
    sweep(words[1]).catch(fail);
    return;
  }
  const flag = words.indexOf('--agent');
  const agent = flag < 0 ? 'claude' : words[flag + 1];
  const event = words.filter((_, at) => flag < 0 || (at !== flag && at !== flag + 1))[0] ?? '';
  recordHook(agent ?? '', event.slice(0, 100), timestamp);
}

process.on('uncaughtException', fail);
try {
  main();
} catch (error) {
  fail(error);
}
process.exitCode = 0;
