import { idNumber } from '../../model/ids.ts';
import { recentRate } from '../../model/summary.ts';
import type { ControlInfo } from '../../protocol/stream.ts';
import { isBelow, realPath } from '../../trace/paths.ts';
import type { Engine } from '../engine.ts';
import type { LiveSession } from '../liveSession.ts';
import { openFolders, realFolder } from '../openFolders.ts';
import { toolName } from '../streamHeader.ts';
import type { SessionFacts } from './guardState.ts';

/** What this window knows of the sessions that trips and requests are about. */
export class WindowSessions {
  private readonly engine: Engine;
  private readonly controlOf: (session: LiveSession) => ControlInfo;
  /** Projects that are open here, by path. */
  private readonly here = new Map<string, boolean>();

  constructor(engine: Engine, controlOf: (session: LiveSession) => ControlInfo) {
    this.engine = engine;
    this.controlOf = controlOf;
  }

  /** Other folders are open. */
  foldersChanged(): void {
    this.here.clear();
  }

  /** Of this window's folders. */
  isHere({ traceDir, project }: { traceDir: string; project: string }): boolean {
    const { live } = this.engine;
    if (live.folders.some((folder) => folder.traceDir === traceDir)) return true;
    const known = this.here.get(project);
    if (known !== undefined) return known;
    const here = this.isOpen(project);
    if (this.here.size > 1000) this.here.clear();
    this.here.set(project, here);
    return here;
  }

  private isOpen(project: string): boolean {
    const real = project === '' ? '' : realPath(project);
    return (
      real !== '' &&
      openFolders()
        .map(realFolder)
        .some((one) => one === real || isBelow(real, one))
    );
  }

  sessionOf({ session, traceDir }: { session: string; traceDir: string }): LiveSession | undefined {
    return this.engine.live.sessions.find((one) => one.id === session && one.traceDir === traceDir);
  }

  factsOf(of: { session: string; traceDir: string }): SessionFacts | undefined {
    const session = this.sessionOf(of);
    if (!session) return undefined;
    const nowMs = Date.now();
    const summary = session.summary(nowMs);
    const control = this.controlOf(session);
    const rate = recentRate(session.trace.fold, nowMs);
    const { current } = summary;
    const step = current ? session.trace.fold.steps.stepOf(current.row) : -1;
    const words = step < 0 ? undefined : session.trace.describe(step, step + 1)[0];
    return {
      title: summary.title,
      active: session.isActive(nowMs),
      paused: session.paused,
      ...(control.kind === 'none' && control.reason !== undefined && { cannot: control.reason }),
      ...(rate !== undefined && { rateNanoUsd: rate }),
      ...(current && {
        current: {
          tool: toolName(current.tool),
          target: words?.target ?? '',
          startedAtMs: current.startedAtMs,
          ...(current.usualMs !== undefined && { usualMs: current.usualMs }),
        },
      }),
    };
  }
}

/** By its id in the trace; undefined: it is not there. */
export function stepOfCall(session: LiveSession, id: string): number | undefined {
  const { fold } = session.trace;
  const row = fold.rowOf(idNumber(id));
  const step = row < 0 ? -1 : fold.steps.stepOf(row);
  return step < 0 ? undefined : step;
}
