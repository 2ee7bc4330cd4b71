/**
 * Reads a shell command without running it: the programs, the files, the machines, and what cannot be
 * seen. A reading says at least what the command does where it can tell, and says `opaque` where it
 * cannot; it may say more than the command does.
 */
import type { Effect } from './call.ts';
import { files } from './files.ts';
import { versionControl } from './git.ts';
import { network } from './network.ts';
import { Reader, TooMuch } from './reader.ts';
import type { ShellReading, ShellWorld } from './reading.ts';
import { shells } from './shells.ts';
import { wrappers } from './wrappers.ts';

/** Longer commands are not read, characters. */
export const MAX_COMMAND = 65_536;

const effects: ReadonlyMap<string, Effect> = new Map([
  ...files,
  ...versionControl,
  ...network,
  ...shells,
  ...wrappers,
]);

/**
 * What a command would do.
 * Never throws; a command that is too long, too deep or too laborious is read in part, and `opaque`.
 * @param text as it is given to `bash -c`
 */
export function readCommand(text: string, world: ShellWorld): ShellReading {
  const reader = new Reader(world, effects);
  if (text.length > MAX_COMMAND) {
    reader.opaque('hidden', 'tooLong', text.slice(0, 200));
    return reader.reading;
  }
  try {
    reader.top(text);
  } catch (error) {
    // Whatever goes wrong, the command is not known: that is an answer, too.
    const reason = error instanceof TooMuch ? 'tooLong' : 'unparsable';
    reader.opaque('hidden', reason, text.slice(0, 200));
  }
  return reader.reading;
}
