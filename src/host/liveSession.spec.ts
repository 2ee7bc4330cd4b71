import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import { identityOf, readProcess, writeSessionRecord } from '../agents/process.ts';
import { markPaused, unmarkPaused } from '../guard/pauseMark.ts';
import { listSessions } from '../trace/store.ts';
import { LiveSession } from './liveSession.ts';

let root: string;
const saved = { ...process.env };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'live-session-'));
  process.env.AGENT_STRACE_HOME = join(root, 'state');
});
afterEach(() => {
  process.env = { ...saved };
  rmSync(root, { recursive: true, force: true });
});

it.runIf(process.platform === 'linux')(
  'is paused while it is held between two tools, whoever looks at it',
  () => {
    const traceDir = join(root, 'project', '.agent-traces');
    const writer = new TraceWriter(traceDir, 'one').start().prompt('Go');
    writeSessionRecord({
      version: 1,
      session_id: 'one',
      agent: 'claude',
      ...identityOf(readProcess(process.pid)!),
      trace_dir: traceDir,
      project: join(root, 'project'),
      first_seen: Date.now() / 1000,
    });
    const session = new LiveSession('k', listSessions(traceDir).sessions[0]!, 'project', undefined);
    const look = () => {
      while (session.read(1e6));
      session.lookAtProcess();
      const nowMs = Date.now();
      const status = session.status(nowMs);
      expect(session.summary(nowMs).status).toBe(status);
      return [status, session.paused];
    };
    expect(look()).toEqual(['live', false]);
    markPaused('one');
    expect(look()).toEqual(['paused', true]);
    // What runs already goes on.
    const call = writer.call('Bash', { command: 'sleep 9' });
    expect(look()).toEqual(['live', true]);
    writer.result(call, {});
    expect(look()).toEqual(['paused', true]);
    unmarkPaused('one');
    expect(look()).toEqual(['live', false]);
    markPaused('one');
    writer.end();
    expect(look()[0]).toBe('ended');
  },
);
