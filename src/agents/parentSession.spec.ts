import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { markProcess, pruneProcessMarks, startedBy } from './parentSession.ts';
import { type ProcessInfo, readProcess } from './process.ts';

describe.runIf(process.platform === 'linux')('startedBy', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'parent-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));
  const env = () => ({ AGENT_STRACE_HOME: home });
  const self = (): ProcessInfo => readProcess(process.pid)!;
  /** An agent that this process would have started. */
  const child = (): ProcessInfo => ({ ...self(), pid: 999_999_999, ppid: process.pid });

  it('finds the session of the agent that started this one', () => {
    expect(startedBy(child(), 'inner', env())).toBeUndefined();
    markProcess(self(), 'outer', env());
    expect(startedBy(child(), 'inner', env())).toBe('outer');
  });

  it('takes the nearest, and none above a session that is the same', () => {
    const above = readProcess(process.ppid)!;
    markProcess(above, 'outermost', env());
    markProcess(self(), 'outer', env());
    expect(startedBy(child(), 'inner', env())).toBe('outer');
    expect(startedBy(child(), 'outer', env())).toBeUndefined();
    expect(startedBy(self(), 'outer', env())).toBe('outermost');
  });

  it('does not take a process that has the number of an earlier one for it', () => {
    markProcess({ ...self(), startTime: '1' }, 'earlier', env());
    expect(startedBy(child(), 'inner', env())).toBeUndefined();
  });

  it('forgets processes that are gone, and only those', () => {
    markProcess({ ...self(), startTime: '1' }, 'earlier', env());
    markProcess({ ...self(), pid: 999_999_999 }, 'gone', env());
    markProcess(self(), 'alive', env());
    pruneProcessMarks(env());
    expect(readdirSync(join(home, 'processes'))).toHaveLength(1);
    expect(startedBy(child(), 'inner', env())).toBe('alive');
  });

  it('takes no name of a session that is no safe path', () => {
    markProcess(self(), 'x', env());
    const [name] = readdirSync(join(home, 'processes'));
    writeFileSync(join(home, 'processes', name!), '../../etc');
    expect(startedBy(child(), 'inner', env())).toBeUndefined();
  });
});
