/**
 * Reads a shell command without running it: the programs, the files, the machines, and what cannot be
 * seen. A reading says at least what the command does where it can tell, and says `opaque` where it
 * cannot; it may say more than the command does.
 */
import type { Effect } from './call.ts';
import { containers } from './containers.ts';
import { files } from './files.ts';
import { versionControl } from './git.ts';
import { network } from './network.ts';
import { Reader, TooMuch } from './reader.ts';
import type { ShellReading, ShellWorld } from './reading.ts';
import { shells } from './shells.ts';
import { wrappers } from './wrappers.ts';

/** Longer commands are not read, characters; quoted here-documents aside, which are text and no commands. */
export const MAX_COMMAND = 32_768;
/** With the here-documents. */
const MAX_TEXT = 200_000;
/** Here-documents of one command that are set aside. */
const MAX_DOCUMENTS = 20;

const effects: ReadonlyMap<string, Effect> = new Map([
  ...files,
  ...versionControl,
  ...network,
  ...shells,
  ...wrappers,
  ...containers,
]);

/**
 * What a command would do.
 * Never throws; a command that is too long, too deep or too laborious is read in part, and `opaque`.
 * @param text as it is given to `bash -c`
 */
export function readCommand(text: string, world: ShellWorld): ShellReading {
  const reader = new Reader(world, effects);
  if (text.length > MAX_COMMAND && codeLength(text) > MAX_COMMAND) {
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

/** Characters without the bodies of quoted here-documents, which the shell does not look into. */
function codeLength(text: string): number {
  if (text.length > MAX_TEXT) return text.length;
  let length = text.length;
  const opening = /<<-?[ \t]*(['"])([\w.-]{1,60})\1[^\n]*\n/g;
  for (let count = 0; count < MAX_DOCUMENTS; count++) {
    const start = opening.exec(text);
    if (start === null) break;
    const end = text.indexOf(`\n${start[2]!}\n`, opening.lastIndex - 1);
    const to = end < 0 && text.endsWith(`\n${start[2]!}`) ? text.length : end;
    if (to < 0) break;
    length -= Math.max(0, to - opening.lastIndex);
    opening.lastIndex = to;
  }
  return length;
}
