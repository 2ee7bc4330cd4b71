import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { homeTraceDir } from '../trace/paths.ts';
import { traceFolders } from './traceFolders.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'folders-')));
  mkdirSync(join(root, 'repo', '.git'), { recursive: true });
  mkdirSync(join(root, 'repo', 'packages', 'a'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const watched = (path: string): string[] =>
  traceFolders([{ path, name: 'it' }], { AGENT_STRACE_HOME: join(root, 'state') }).map(
    ({ traceDir }) => traceDir,
  );

it('watches all places of a folder inside a repository, each once', () => {
  const env = { AGENT_STRACE_HOME: join(root, 'state') };
  const repo = join(root, 'repo');
  const folder = join(repo, 'packages', 'a');
  expect(watched(folder).sort()).toEqual(
    [
      join(folder, '.agent-traces'),
      // An agent uses the nearest that is there, so one between may be it.
      join(repo, 'packages', '.agent-traces'),
      join(repo, '.agent-traces'),
      homeTraceDir(folder, env),
      homeTraceDir(join(repo, 'packages'), env),
      homeTraceDir(repo, env),
    ].sort(),
  );
  expect(watched(repo)).toHaveLength(2);
});

it('watches the real place of a folder that was opened by a link', () => {
  const link = join(root, 'link');
  symlinkSync(join(root, 'repo'), link);
  const places = watched(link);
  for (const place of watched(join(root, 'repo'))) expect(places).toContain(place);
  expect(places.filter((place) => place.startsWith(link))).toEqual([]);
});

it('does not follow a trace folder that is a link itself', () => {
  mkdirSync(join(root, 'elsewhere'));
  symlinkSync(join(root, 'elsewhere'), join(root, 'repo', '.agent-traces'));
  expect(watched(join(root, 'repo'))).not.toContain(join(root, 'elsewhere'));
});
