import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentPlaces } from '../agent.ts';
import { userDirs, vscodeTranscripts } from './transcripts.ts';

const SESSION = '1f0c6f6e-0000-4000-8000-000000000001';
const FIRST = JSON.stringify({
  type: 'session.start',
  data: {
    sessionId: SESSION,
    producer: 'copilot-agent',
    vscodeVersion: '1.139.1',
    startTime: '2026-11-23T10:00:00.000Z',
  },
});

describe('where VS Code keeps transcripts', () => {
  let user: string;
  let places: AgentPlaces;
  const put = (path: string, text: string): string => {
    const file = join(user, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const at = (hash: string, id = SESSION): string =>
    `workspaceStorage/${hash}/GitHub.copilot-chat/transcripts/${id}.jsonl`;

  beforeEach(() => {
    user = join(mkdtempSync(join(tmpdir(), 'vscode-')), 'User');
    places = { dirs: [user], env: {} };
    put('workspaceStorage/1/workspace.json', '{"folder":"file:///home/dev/my%20shop"}');
    put(at('1'), `${FIRST}\n`);
  });
  afterEach(() => rmSync(dirname(user), { recursive: true, force: true }));

  it('is found by the window that it belongs to', () => {
    put(at('2', 'a session of no folder'), `${FIRST}\n`);
    put(at('3', 'empty'), '');
    put('workspaceStorage/4/workspace.json', 'torn');
    put(at('4', 'other'), 'torn');
    const found = [...vscodeTranscripts.find(places)];
    expect(found.map(({ sessionId, cwd, project }) => [sessionId, cwd, project])).toEqual([
      [SESSION, '/home/dev/my shop', 'my shop'],
      ['other', '', ''],
    ]);
    expect(found[0]!.startedAt).toBe(Date.parse('2026-11-23T10:00:00.000Z') / 1000);
  });

  it('is known by its file, which is none of the Copilot CLI', () => {
    const path = join(user, at('1'));
    expect(vscodeTranscripts.recognise(path)).toMatchObject({
      agent: 'vscode',
      sessionId: SESSION,
      cwd: '/home/dev/my shop',
    });
    const cli = put('cli.jsonl', FIRST.replace('"vscodeVersion":"1.139.1",', ''));
    expect(vscodeTranscripts.recognise(cli)).toBeUndefined();
  });

  it('is followed there and nowhere else', () => {
    const live = (path: string, id = SESSION) => vscodeTranscripts.liveFilesOf(id, path, places);
    const path = join(user, at('1'));
    expect(live(path)).toEqual([{ path, agentId: '' }]);
    // Where nobody says the path, it is known by the session's id.
    expect(live('')).toEqual([{ path, agentId: '' }]);
    expect(live('', 'unknown')).toEqual([]);
    expect(live(put(`workspaceStorage/1/other/transcripts/${SESSION}.jsonl`, 'x'))).toEqual([]);
    expect(live(put(`elsewhere/1/GitHub.copilot-chat/transcripts/${SESSION}.jsonl`, 'x'))).toEqual(
      [],
    );
    const secret = put('secret', 'x');
    symlinkSync(secret, put(at('5', 'x'), '').replace('x.jsonl', 'link.jsonl'));
    expect(live(join(user, at('5', 'link')), 'link')).toEqual([]);
  });

  it('is below a user folder of each product', () => {
    const dirs = userDirs({ home: '/home/dev', env: {} });
    expect(dirs.length).toBeGreaterThan(5);
    expect(new Set(dirs).size).toBe(dirs.length);
    expect(dirs).toContain('/home/dev/.vscode-server/data/User');
  });
});
