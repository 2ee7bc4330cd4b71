/** What the command line says where something is not as it should be, and what it answers with. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lines, response, SESSION, user } from '../../test/agents/claudeRows.ts';
import { cli, eventLine, temporaryFolder } from '../../test/cli/memoryIo.ts';

const isRoot = process.getuid?.() === 0;

function transcript(folder: string): string {
  const path = join(folder, `${SESSION}.jsonl`);
  writeFileSync(path, lines([user('go', 0), response({ id: 'm1', request: 'r', at: 1 })]));
  return path;
}

function traced(count: number): string {
  const traceDir = temporaryFolder();
  for (let at = 0; at < count; at++) {
    const id = `session-${at}`;
    mkdirSync(join(traceDir, id));
    const events = join(traceDir, id, 'events.ndjson');
    writeFileSync(events, eventLine(id, 'user_prompt', 1_795_000_000 + at, 1, { prompt: 'go' }));
  }
  return traceDir;
}

describe('list', () => {
  it('prints an empty array whether there is a folder or not', async () => {
    for (const traceDir of ['nowhere', traced(0)]) {
      const { out, code } = await cli(['list', '--json', '--trace-dir', traceDir]);
      expect(out, traceDir).toBe('[]\n');
      expect(code).toBe(1);
    }
    expect((await cli(['list', '--trace-dir', 'nowhere'])).out).toBe('');
  });

  it('names everything that it leaves out; the others say how much that is', async () => {
    const traceDir = traced(1);
    for (let at = 0; at < 12; at++) mkdirSync(join(traceDir, `--bad${at}`));
    const told = (await cli(['list', '--trace-dir', traceDir])).err.trim().split('\n');
    expect(told).toHaveLength(12);
    expect(told.every((line) => line.includes('(not a session name)'))).toBe(true);
    const { err } = await cli(['stats', '--trace-dir', traceDir]);
    expect(err.trim()).toMatch(/and 11 more \(agent-strace list names them\)$/);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});

describe('a trace folder', () => {
  it('that is a file is told from one without sessions', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const { code, err } = await cli(['list', '--trace-dir', file]);
    expect(code).toBe(2);
    expect(err).toContain('is not a folder');
    expect(err).not.toContain('Start your agent');
  });

  it('that is not there is named by who named it', async () => {
    const { err } = await cli(['list'], { env: { AGENT_TRACE_DIR: '/nope' } });
    expect(err).toContain('AGENT_TRACE_DIR names it');
    expect(err).not.toContain('Read another folder:     --trace-dir DIR, or AGENT_TRACE_DIR');
  });

  it('that cannot be used is told in words', async () => {
    const root = temporaryFolder();
    symlinkSync(root, join(root, 'link'));
    const { err, code } = await cli([
      'import',
      transcript(root),
      '--trace-dir',
      join(root, 'link'),
    ]);
    expect(code).toBe(2);
    expect(err).toContain('cannot be used: it is a symbolic link (ESYMLINK)');
  });
});

describe('import', () => {
  it('gives a hint that works as it is printed', async () => {
    const cwd = temporaryFolder();
    const file = transcript(cwd);
    const { out } = await cli(['import', file, '--trace-dir', "it's new"], { cwd });
    const hint = /^See: agent-strace (.*)$/m.exec(out)![1]!;
    expect(hint).toBe(`replay ${SESSION} --trace-dir 'it'\\''s new'`);
    const shown = await cli(['replay', SESSION, '--trace-dir', "it's new"], { cwd });
    expect(shown.code).toBe(0);
    expect((await cli(['import', file], { cwd })).out).toMatch(
      new RegExp(`replay ${SESSION}$`, 'm'),
    );
  });

  it('says where it looked for transcripts', async () => {
    const env = { CLAUDE_CONFIG_DIR: '/elsewhere' };
    for (const more of [[], ['--all']]) {
      const args = ['import', '--discover', '--claude-dir', '/nope', ...more];
      const { err, code } = await cli(args, { env });
      expect(code).toBe(1);
      expect(err).toContain('/nope/projects');
      expect(err).not.toContain('CLAUDE_CONFIG_DIR');
      expect(err).not.toContain('--claude-dir');
    }
  });

  it.runIf(isRoot)(
    'takes a file of another user where it is named, else says whose it is',
    async () => {
      const claudeDir = temporaryFolder();
      const folder = join(claudeDir, 'projects', 'p');
      mkdirSync(folder, { recursive: true });
      const file = transcript(folder);
      chownSync(file, 12_345, 12_345);
      chmodSync(file, 0o644);
      const traceDir = join(temporaryFolder(), 'traces');
      const args = ['import', '--discover', '--all', '--claude-dir', claudeDir];
      expect((await cli([...args, '--trace-dir', traceDir])).err).toContain(
        'it belongs to another user',
      );
      const { out, err } = await cli(['import', file, '--trace-dir', traceDir]);
      expect(err).toBe('');
      expect(out).toContain('Imported 5 events');
    },
  );

  it('follows a link that was named', async () => {
    const folder = temporaryFolder();
    const link = join(temporaryFolder(), 'latest.jsonl');
    symlinkSync(transcript(folder), link);
    const { out } = await cli(['import', link, '--trace-dir', join(folder, 'traces')]);
    expect(out).toContain('Imported 5 events');
  });
});

describe('a session', () => {
  it('with an empty name is not the latest', async () => {
    for (const command of ['cost', 'stats', 'replay', 'inspect']) {
      const { code, err, out } = await cli([command, '', '--trace-dir', traced(2)]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain('The id of the session is empty');
    }
  });
});

describe('help', () => {
  it('of a command that there is not says so', async () => {
    const { code, err, out } = await cli(['help', 'lsit']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Did you mean list?');
    expect((await cli(['help'])).code).toBe(0);
    expect((await cli(['help', 'list'])).out).toContain('--limit');
    expect((await cli(['help', 'help'])).code).toBe(0);
  });
});

describe('setup', () => {
  const project = (settings?: string): string => {
    const cwd = temporaryFolder();
    if (settings !== undefined) {
      mkdirSync(join(cwd, '.claude'));
      writeFileSync(join(cwd, '.claude', 'settings.local.json'), settings);
    }
    return cwd;
  };
  const noClaude = { PATH: '/nowhere', HOME: '/nowhere' };

  it('says in words what is wrong with the settings', async () => {
    const wrong = project('{"a": 1');
    const { code, err } = await cli(['setup', '--yes'], { cwd: wrong, env: noClaude });
    expect(code).toBe(2);
    expect(err).toContain('is not valid JSON: a closing } is missing at line 1, column 8');
    const list = project('[1,]]');
    expect((await cli(['setup', '--yes'], { cwd: list, env: noClaude })).err).toContain(
      'there is something after the end',
    );
  });

  it('leaves nothing behind where it cannot do its work', async () => {
    const traps: ((cwd: string) => void)[] = [
      (cwd) => writeFileSync(join(cwd, '.agent-traces'), ''),
      (cwd) => writeFileSync(join(cwd, '.claude'), ''),
    ];
    for (const trap of traps) {
      const cwd = project();
      trap(cwd);
      const home = join(temporaryFolder(), 'state');
      const env = { ...noClaude, AGENT_STRACE_HOME: home };
      const { code, err } = await cli(['setup', '--yes'], { cwd, env });
      expect(code).toBe(2);
      expect(err).toMatch(/it is not a folder \(ENOTDIR\)/);
      expect(existsSync(join(home, 'lib'))).toBe(false);
    }
  });

  it('says what it waits for', async () => {
    const bin = temporaryFolder();
    writeFileSync(join(bin, 'claude'), '#!/bin/sh\nsleep 1.5\necho "2.1.330 (Claude Code)"\n');
    chmodSync(join(bin, 'claude'), 0o755);
    const slow = await cli(['setup', '--json'], {
      cwd: project(),
      env: { PATH: `${bin}:/usr/bin:/bin`, HOME: '/nowhere' },
    });
    expect(slow.err).toContain('Asking claude --version');
    const quick = await cli(['setup', '--json'], { cwd: project(), env: noClaude });
    expect(quick.err).not.toContain('Asking');
    expect(readdirSync(bin)).toEqual(['claude']);
  });
});
