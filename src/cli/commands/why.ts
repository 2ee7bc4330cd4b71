import { whyInSlices } from '../../analysis/why/whyChain.ts';
import { whyJson, whyMarkdown, whyText } from '../../report/whyText.ts';
import { EXIT } from '../exit.ts';
import {
  CliError,
  type Io,
  inSlices,
  oneFormat,
  print,
  printJson,
  styleFor,
  widthOf,
} from '../io.ts';
import { STEP_WORDS, stepArgument } from '../stepArgument.ts';
import { findSession, openStore, readSession, type TraceOptions } from '../traces.ts';

export interface WhyOptions extends TraceOptions {
  json?: boolean;
  markdown?: boolean;
}

/** @param words a session (or none: the one active last) and a step */
export async function why(io: Io, words: readonly string[], options: WhyOptions): Promise<number> {
  oneFormat(options);
  if (words.length > 2) {
    throw new CliError('Too many words', EXIT.usage, 'agent-strace why [id] <step>');
  }
  if (words.length === 0) {
    throw new CliError(
      'Which step?',
      EXIT.usage,
      `agent-strace why [id] <step>, where a step is ${STEP_WORDS}.`,
    );
  }
  const id = words.length > 1 ? words[0] : undefined;
  const asked = words.at(-1) ?? '';
  const entry = findSession(io, openStore(io, options), id);
  const session = await readSession(io, entry);
  const work = whyInSlices(session, stepArgument(session, asked));
  const chain = await inSlices(io, work, `Looking back in ${entry.id}`);
  if (chain === undefined) {
    throw new CliError('There is no such step', EXIT.none, `A step is ${STEP_WORDS}.`);
  }
  if (options.json === true) await printJson(io, whyJson(entry.id, chain));
  else if (options.markdown === true) {
    await print(io, whyMarkdown(chain, session.fold.session.title));
  } else {
    const width = widthOf(io);
    const style = styleFor(io, io.stdout);
    await print(io, whyText(chain, { style, ...(width === undefined ? {} : { width }) }));
  }
  return EXIT.ok;
}
