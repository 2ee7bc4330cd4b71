/**
 * The process that an agent runs at each of its hooks: `hook.js --agent claude PreToolUse`, the payload on
 * standard input. It prints nothing and exits with 0, whatever happens: it must never be the reason why an
 * agent stops, waits or reads something that nobody wrote. Only where there are rules may it say no, in the agent's words, or
 * by its exit code where set-up was told that its failure means no.
 *
 * Environment: `AGENT_STRACE_DISABLE=1` records nothing (rules hold all the same), `AGENT_TRACE_NO_REDACT=1` leaves secrets in,
 * `AGENT_STRACE_MASK=1` takes personal data out too (`0`: not, whatever was chosen), `AGENT_TRACE_DIR` names the trace folder, `AGENT_STRACE_HOME` the state folder, `AGENT_STRACE_LOOK_MS` how
 * long the files that a command changes may be looked for.
 */
import { writeSync } from 'node:fs';
import type { HookAnswer } from '../agents/agent.ts';
import { EXIT_REFUSED } from '../agents/exitCodes.ts';
import { BEFORE_TOOL, installedAs } from '../agents/hookEntry.ts';
import { isClosed } from './guarded.ts';
import { logProblem } from './log.ts';
import { part } from './parts.ts';
import { recordHook } from './record.ts';
import { shared as forParts } from './shared.ts';

/** What the parts take from the recorder's module. */
export const shared = forParts;

// The process' start is the moment nearest to what it tells of. (`performance` would cost 1 ms more.)
const timestamp = Date.now() / 1000 - process.uptime();

const words = process.argv.slice(2).filter((word, at) => !(at === 0 && word === 'hook'));

function fail(error: unknown): void {
  logProblem('hook failed', error);
  process.exit(isRefusal() ? EXIT_REFUSED : 0);
}

/** Whether a tool waits for this hook, and shall not run without its word. */
function isRefusal(): boolean {
  try {
    return isBeforeTool() && isClosed(installedAs(words).closed);
  } catch {
    return false;
  }
}

const isBeforeTool = (): boolean =>
  words[0] === '--agent' && words.some((word) => Object.values(BEFORE_TOOL).includes(word));

function main(): void {
  // A repository can set an agent's environment, and must not switch off what a person forbids.
  if (process.env.AGENT_STRACE_DISABLE === '1' && !isBeforeTool()) return;
  process.umask(0o077);
  switch (words[0]) {
    case '--sweep':
      part('transcripts').sweep(words[1]).catch(fail);
      return;
    case '--act':
      part('helper').act(words[1]).catch(fail);
      return;
    case '--fold':
      part('helper').fold(words[1]);
      return;
  }
  const flag = words.indexOf('--agent');
  const agent = flag < 0 ? 'claude' : words[flag + 1];
  const event = words.filter((_, at) => flag < 0 || (at !== flag && at !== flag + 1))[0] ?? '';
  say(recordHook(agent ?? '', event.slice(0, 100), timestamp, installedAs(words)));
}

function say(answer: HookAnswer | undefined): void {
  if (answer === undefined) return;
  writeSync(1, answer.stdout);
  process.exitCode = answer.exitCode;
}

process.on('uncaughtException', fail);
process.exitCode = 0;
try {
  main();
} catch (error) {
  fail(error);
}
