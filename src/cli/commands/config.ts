import { policyOf } from '../../redact/event.ts';
import { sanitizeLine } from '../../report/terminalText.ts';
import { chooseMask, maskChosen } from '../../trace/choices.ts';
import { problemText } from '../../trace/files.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, printFacts, printJson, warn } from '../io.ts';

/** `config`, `config mask`, `config mask on|off`. */
export async function config(
  io: Io,
  name: string | undefined,
  value: string | undefined,
  options: { json?: boolean },
): Promise<number> {
  if (name !== undefined && name !== 'mask') {
    throw new CliError(
      `There is nothing called "${sanitizeLine(name)}"`,
      EXIT.usage,
      'There is: mask',
    );
  }
  if (value !== undefined) choose(io, value);
  const mask = maskChosen(io.env);
  if (options.json === true) await printJson(io, { mask });
  else {
    await printFacts(
      io,
      mask
        ? 'mask on: personal data is taken out of what is recorded and imported'
        : 'mask off: personal data is recorded as it is (secrets are not)',
    );
  }
  if ((policyOf(io.env, maskChosen) === 'personal') !== mask) {
    warn(io, `AGENT_STRACE_MASK=${io.env.AGENT_STRACE_MASK} in your environment goes before that`);
  }
  return EXIT.ok;
}

function choose(io: Io, value: string): void {
  if (value !== 'on' && value !== 'off') {
    throw new CliError(`mask is on or off, not "${sanitizeLine(value)}"`, EXIT.usage);
  }
  try {
    chooseMask(value === 'on', io.env);
  } catch (error) {
    const { code = 'EUNKNOWN' } = error as NodeJS.ErrnoException;
    throw new CliError(`The choice cannot be kept: ${problemText(code)}`, EXIT.usage);
  }
}
