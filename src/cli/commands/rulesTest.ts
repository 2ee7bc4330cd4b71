/** `rules test`: what a call would meet, without making it. */
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { guardedCall } from '../../guard/decision/callOf.ts';
import { decide } from '../../guard/decision/decide.ts';
import type { Facts } from '../../guard/decision/facts.ts';
import { shellWorld } from '../../guard/decision/shellWorld.ts';
import type { Verdict } from '../../guard/decision/verdict.ts';
import type { Rule } from '../../guard/rules/rule.ts';
import { readCommand } from '../../guard/shell/readCommand.ts';
import { sanitizeLine, wrapFacts } from '../../report/terminalText.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, print, printJson, styleFor, widthOf } from '../io.ts';
import { projectOf } from '../traces.ts';

export interface RulesTestOptions {
  json?: boolean;
  rules?: string;
  /** As Claude Code names it; `Bash` with a command. */
  tool?: string;
  path?: string;
  /** As in a trusted workspace, not as in a hook. */
  trusted?: boolean;
}

/** Of a session that has only begun: nothing is spent, nothing repeated. */
const NOTHING: Facts = {
  metric: () => 0,
  repeats: () => 0,
  sequence: () => 0,
  unpriced: [],
};

/** @returns 0: it would run; 1: it would not, or a person would be asked */
export async function testRules(
  io: Io,
  words: readonly string[],
  options: RulesTestOptions,
): Promise<number> {
  const command = words.join(' ');
  const { tool = command === '' ? undefined : 'Bash', path } = options;
  if (tool === undefined)
    throw new CliError(
      'Nothing to test',
      EXIT.usage,
      "Such as: agent-strace rules test 'rm -rf build', or: rules test --tool Write --path .env",
    );
  const { rulesFor } = await import('../../guard/rules/rulesFor.ts');
  const { regexOf } = await import('../../guard/rules/regex.ts');
  const project = projectOf(io);
  const specs = options.rules === undefined ? [] : [options.rules];
  const input = {
    ...(command !== '' && { command }),
    ...(path !== undefined && { file_path: resolve(io.cwd, path) }),
  };
  const call = guardedCall({ name: tool, callId: 'test', cwd: io.cwd, input }, 'claude', {
    ...shellWorld({ cwd: io.cwd, env: io.env }),
    readCommand,
  });
  const verdict = decide({
    rules: rulesFor({ project, env: io.env, specs }),
    call,
    facts: NOTHING,
    nowMs: io.now(),
    where: options.trusted === true ? 'trusted' : 'hook',
    home: io.env.HOME || homedir(),
    project,
    regex: regexOf,
  });
  if (options.json === true) await printJson(io, verdictJson(verdict));
  else await tell(io, verdict);
  return verdict.action === 'allow' && verdict.failed === undefined ? EXIT.ok : EXIT.none;
}

async function tell(io: Io, { action, fired, failed }: Verdict): Promise<void> {
  const style = styleFor(io, io.stdout);
  const width = widthOf(io);
  const room = width === undefined ? undefined : width - 4;
  const colour = action === 'allow' ? style.green : style.red;
  await print(io, `${colour(action)}${failed === undefined ? '' : ` (not decided: ${failed})`}\n`);
  for (const { rule, action: said, detail } of fired) {
    const name = sanitizeLine(rule.name);
    const words = `${name} (${said}): ${sanitizeLine(detail)} · ${sanitizeLine(sourceOf(rule))}`;
    const [first = '', ...others] = wrapFacts(words, room === undefined ? undefined : room + 2);
    const head = first.startsWith(name) ? style.bold(name) + first.slice(name.length) : first;
    const message = rule.message === undefined ? [] : wrapFacts(sanitizeLine(rule.message), room);
    const under = [...others, ...message].flatMap((line) => wrapFacts(line, room));
    await print(io, [`  ${head}`, ...under.map((line) => `    ${line}`), ''].join('\n'));
  }
}

function sourceOf({ file, line, fixed, scope }: Rule): string {
  if (file !== undefined) return `${file}:${line ?? 1}`;
  if (fixed === true) return 'protection of the guard itself';
  return scope === 'builtin' ? 'safe set' : 'given by a flag';
}

const verdictJson = ({ action, fired, failed }: Verdict): Record<string, unknown> => ({
  action,
  ...(failed !== undefined && { failed }),
  rules: fired.map(({ rule, action: said, detail }) => ({
    name: rule.name,
    action: said,
    detail,
    scope: rule.scope,
    ...(rule.file !== undefined && { file: rule.file, line: rule.line }),
  })),
});
