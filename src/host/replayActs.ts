import type { FromReplayPage, ReplayCommand, ToReplayPage } from '../protocol/replay.ts';
import type { LiveSession } from './liveSession.ts';
import { stepDetails } from './stepDetails.ts';

export type OpenWhat = Extract<FromReplayPage, { type: 'open' }>['what'];

/** What a page may ask to be done. */
export interface ActsHost {
  open(session: LiveSession, step: number, what: OpenWhat): void;
  /**
   * @param path one that the session knows; where it leads is not checked yet
   * @param asOf the step after which it is to be shown; undefined: as it is now
   */
  openFile(session: LiveSession, path: string, asOf: number | undefined): void;
  /** What the steps `from … to` changed, as diffs. */
  openChanges(session: LiveSession, from: number, to: number): void;
  /** @param title empty: it goes by its first prompt */
  rename(session: LiveSession, title: string): void;
}

const COMMANDS: ReadonlySet<string> = new Set<ReplayCommand>([
  'showLog',
  'chooseSession',
  'compare',
  'export',
  'explain',
]);
const WHAT: ReadonlySet<string> = new Set<OpenWhat>(['diff', 'file', 'event', 'stream']);

/** Rows whose words a page may ask for at once. */
const MAX_WORDS = 2000;
/** Of a name, UTF-16 units: what is longer is no name. */
const MAX_TITLE = 500;

export const isCommand = (value: unknown): value is ReplayCommand =>
  typeof value === 'string' && COMMANDS.has(value);

type Act = Extract<FromReplayPage, { type: 'open' | 'openFile' | 'openChanges' | 'rename' }>;

/** Does what a page asks, if it makes sense. @param message of whatever content */
export function actFor(host: ActsHost, session: LiveSession, message: Act): void {
  switch (message.type) {
    case 'open':
      if (isNumber(message.step) && WHAT.has(message.what)) {
        host.open(session, message.step, message.what);
      }
      break;
    case 'openFile': {
      const { path, asOf } = message;
      if (typeof path !== 'string' || session.trace.fold.files.paths.find(path) === undefined) {
        return;
      }
      host.openFile(session, path, isNumber(asOf) ? asOf : undefined);
      break;
    }
    case 'openChanges':
      if (isNumber(message.from) && isNumber(message.to) && message.from <= message.to) {
        host.openChanges(session, message.from, message.to);
      }
      break;
    case 'rename':
      if (typeof message.title === 'string' && message.title.length <= MAX_TITLE) {
        host.rename(session, message.title);
      }
      break;
  }
}

/** Rows in words, or a step in full; undefined: the question makes no sense. */
export function wordsFor(
  session: LiveSession,
  message: Extract<FromReplayPage, { type: 'rows' | 'details' }>,
): ToReplayPage | undefined {
  const { requestId } = message;
  if (!isNumber(requestId)) return undefined;
  const sessionId = session.key;
  if (message.type === 'rows') {
    const { from, to } = message;
    if (!isNumber(from) || !isNumber(to)) return undefined;
    const rows = session.trace.describe(from, Math.min(to, from + MAX_WORDS));
    return { type: 'rows', sessionId, requestId, from, rows };
  }
  if (!isNumber(message.step)) return undefined;
  const details = stepDetails(session.trace, message.step);
  return { type: 'details', sessionId, requestId, ...(details ? { details } : {}) };
}

/** A step, a row, the number of a question. */
export const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
