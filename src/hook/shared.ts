/**
 * What the recorder has loaded by the time it asks a part: parts that the launcher's loader runs take it from here, and need not
 * load it once more. Names are those of this project's files; see `fromRecorder` in esbuild.mjs. The parts that lie beside the
 * bundle hold all they need themselves.
 */
import { hookEvent } from '../agents/hookEvents.ts';
import { readProcess, readSessionRecord } from '../agents/process.ts';
import { guardPlace, readChoices } from '../guard/guardHome.ts';
import { candidates } from '../guard/rules/places.ts';
import { cutBetween, cutKey, cutText, encodeEvent, set } from '../model/codec.ts';
import { eventId, hash52, ids, randomEventId, textHash } from '../model/ids.ts';
import { commandArgument, pathArgument, toolKind } from '../model/tools.ts';
import { readyEvent } from '../redact/event.ts';
import { redactText, redactValue } from '../redact/redact.ts';
import { appendEvents, readTail } from '../trace/append.ts';
import {
  checkOwnDirectory,
  codeOf,
  ensureOwnDirectory,
  openAppend,
  openRead,
  readSmallFile,
  writeSmallFile,
} from '../trace/files.ts';
import { ensureStateFolder, gitRootOf, isSafeSessionId, stateHome } from '../trace/paths.ts';
import { startDetached } from './detached.ts';
import { logProblem } from './log.ts';
import { part } from './parts.ts';
import { recordingPolicy } from './policy.ts';
import { append } from './session.ts';

export const shared = {
  'agents/hookEvents': { hookEvent },
  'agents/process': { readProcess, readSessionRecord },
  'guard/guardHome': { guardPlace, readChoices },
  'guard/rules/places': { candidates },
  'hook/detached': { startDetached },
  'hook/log': { logProblem },
  'hook/parts': { part },
  'hook/policy': { recordingPolicy },
  'hook/session': { append },
  'model/codec': { cutBetween, cutKey, cutText, encodeEvent, set },
  'model/ids': { eventId, hash52, ids, randomEventId, textHash },
  'model/tools': { commandArgument, pathArgument, toolKind },
  'redact/event': { readyEvent },
  'redact/redact': { redactText, redactValue },
  'trace/append': { appendEvents, readTail },
  'trace/files': {
    checkOwnDirectory,
    codeOf,
    ensureOwnDirectory,
    openAppend,
    openRead,
    readSmallFile,
    writeSmallFile,
  },
  'trace/paths': { ensureStateFolder, gitRootOf, isSafeSessionId, stateHome },
};
