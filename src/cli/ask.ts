/** Questions on a terminal: on standard error, for standard output may be a file. */
import { createInterface } from 'node:readline/promises';
import { Interrupted, type Io } from './io.ts';

/** Whether somebody is there to answer. */
export const isInteractive = (io: Io): boolean =>
  io.stdin.isTTY === true && io.stderr.isTTY === true;

/** One line of an answer; undefined where the input ended without one. @throws Interrupted on Ctrl-C */
export async function askLine(io: Io, question: string): Promise<string | undefined> {
  io.stderr.write(question);
  const lines = createInterface({ input: io.stdin, terminal: false });
  try {
    const ended = new Promise<undefined>((resolve) =>
      lines.once('close', () => resolve(undefined)),
    );
    return await Promise.race([lines.question('', { signal: io.signal }), ended]);
  } catch (error) {
    if (io.signal.aborted) throw new Interrupted();
    throw error;
  } finally {
    lines.close();
  }
}

/** Yes or no; no is what is taken for granted. @throws Interrupted on Ctrl-C */
export const askYes = async (io: Io, question: string): Promise<boolean> =>
  /^\s*(y|yes)\s*$/i.test((await askLine(io, `${question} [y/N] `)) ?? '');
