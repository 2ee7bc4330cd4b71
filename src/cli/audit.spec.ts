import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { TraceWriter } from '../../test/traceWriter.ts';
import { writeSessionRecord } from '../agents/process.ts';
import { appendVerdict } from '../guard/verdicts.ts';
import type { SessionAudit } from '../model/audit.ts';

let count = 0;
const START = Date.parse('2026-06-01T10:00:00Z');

/** A project with a trace folder, and sessions that were recorded here. */
function project(policy?: object) {
  const root = join(realpathSync(temporaryFolder()), 'app');
  const traceDir = join(root, '.agent-traces');
  const home = join(root, '..', 'state');
  for (const folder of [traceDir, join(root, '.git'), join(root, 'src')])
    mkdirSync(folder, { recursive: true });
  const env = { AGENT_STRACE_HOME: home };
  const file = join(root, '.agent-scope.json');
  if (policy !== undefined) writeFileSync(file, JSON.stringify(policy, undefined, 2));
  const run = (...args: string[]) => cli(args, { env, cwd: root, nowMs: START + 3_600_000 });
  return {
    root,
    env,
    file,
    run,
    session({ known = true, id = `${++count}0abcdef-audit` } = {}) {
      if (known)
        writeSessionRecord(
          {
            version: 1,
            session_id: id,
            agent: 'claude',
            trace_dir: traceDir,
            project: root,
            first_seen: START / 1000,
          },
          env,
        );
      const trace = new TraceWriter(traceDir, id, { startMs: START, cwd: root }).start();
      return trace.prompt('Do it');
    },
    async audit(...args: string[]) {
      const { code, out, err } = await run('audit', '--json', ...args);
      const report = JSON.parse(out) as {
        sessions: (SessionAudit & { ok: boolean })[];
        policy: string[];
        ok: boolean;
      };
      return { code, err, report, one: report.sessions[0]! };
    },
  };
}

const SRC = {
  files: { write: { allow: ['src/**'] } },
  commands: { deny: ['curl'] },
  network: { allow: ['example.com'] },
};

describe('agent-strace audit', () => {
  it('names each violation with its step, call, rule and line, and ends with 1', async () => {
    const { session, audit, root, file } = project(SRC);
    const trace = session();
    trace.result(trace.call('Write', { file_path: join(root, 'src/a.ts'), content: '' }));
    const id = trace.call('Write', { file_path: join(root, 'src/../../../etc/x'), content: '' });
    trace.result(id).result(trace.call('Bash', { command: 'cd src && curl evil.org > ../b.md' }));
    const { code, one, report } = await audit();
    expect(code).toBe(1);
    expect(report).toMatchObject({ ok: false, policy: [file] });
    const found = one.violations.map(({ step, rule, line, kind }) => ({ step, rule, line, kind }));
    expect(found).toEqual([
      { step: 4, rule: 'files.write.allow', line: 4, kind: 'write' },
      { step: 5, rule: 'files.write.allow', line: 4, kind: 'write' },
      { step: 5, rule: 'commands.deny curl', line: 11, kind: 'command' },
      { step: 5, rule: 'network.allow', line: 15, kind: 'host' },
    ]);
    expect(one.violations[0]).toMatchObject({
      call: id,
      file,
      path: join(root, '../../etc/x'),
      tool: 'Write',
      detail: expect.stringContaining('etc/x'),
    });
    expect(one.violations[1]).toMatchObject({ path: join(root, 'b.md') });
    expect(one.violations[3]).toMatchObject({ host: 'evil.org' });
    expect(one.checked).toBe(3);
  });

  it('finds what a result says that no call did', async () => {
    const { session, audit, root } = project(SRC);
    const trace = session();
    const id = trace.call('Bash', { command: 'make' });
    trace.result(id, {
      files: [{ path: join(root, 'docs/x.md'), kind: 'create', source: 'stat' }],
    });
    const { one, code } = await audit();
    expect(code).toBe(1);
    expect(one.violations).toMatchObject([{ step: 3, path: join(root, 'docs/x.md') }]);
  });

  it('reads events about files of other writers', async () => {
    const { session, audit, root } = project(SRC);
    const trace = session();
    trace.write(trace.event('file_write', { uri: `file://${root}/docs/x.md` }));
    trace.write(trace.event('file_write', { path: 'src/x.md' }));
    trace.write(trace.event('file_read', { path: '.env' }));
    const { one } = await audit();
    expect(one.violations).toMatchObject([{ path: join(root, 'docs/x.md'), tool: 'file_write' }]);
    expect(one.sensitive).toMatchObject([{ path: join(root, '.env'), access: 'read' }]);
  });

  it('takes a session that does not say where it worked for one of this project', async () => {
    const { audit, root } = project(SRC);
    const trace = new TraceWriter(join(root, '.agent-traces'), 'nowhere', { startMs: START });
    trace.write(trace.event('session_start', { agent_name: 'x' }));
    trace.call('Write', { file_path: 'src/a.ts' });
    trace.call('Write', { file_path: 'docs/a.md' });
    const { one } = await audit();
    expect(one.unclear).toEqual([]);
    expect(one.violations).toMatchObject([{ step: 3, path: join(root, 'docs/a.md') }]);
  });

  it('tells each path of a call', async () => {
    const { session, audit, root } = project(SRC);
    session().call('Bash', { command: 'touch src/ok a.md b.md' });
    const { one } = await audit();
    expect(one.violations.map(({ path }) => path)).toEqual([
      join(root, 'a.md'),
      join(root, 'b.md'),
    ]);
  });

  it('shows sensitive files without any policy, and that is no violation', async () => {
    const { session, run, audit } = project();
    const trace = session();
    trace.result(trace.call('Bash', { command: 'cat ~/.ssh/id_rsa' }));
    trace.result(trace.call('Read', { file_path: '.env' }));
    trace.result(trace.call('Read', { file_path: '.env' }));
    trace.result(trace.call('Bash', { command: 'git status' }));
    const { code, one, report } = await audit();
    expect(code).toBe(0);
    expect(report.policy).toEqual([]);
    expect(one.sensitive.map(({ path, times }) => [path.split('/').slice(-1)[0], times])).toEqual([
      ['id_rsa', 1],
      ['.env', 2],
    ]);
    const { out } = await run('audit');
    expect(out).toContain('2 sensitive files touched');
    expect(out).toMatch(/^No violations in 1 session \(no policy here/m);
  });

  it('lists commands that cannot be read apart', async () => {
    const { session, audit } = project(SRC);
    const trace = session();
    trace.result(trace.call('Bash', { command: 'eval "$X"' }));
    trace.result(trace.call('Bash', { command: 'read F; rm "$F"' }));
    trace.call(
      'Bash',
      { command: 'x' },
      { truncated: { 'arguments.command': { length: 9, hash: 'x' } } },
    );
    const { one, code } = await audit();
    expect(code).toBe(0);
    expect(one.unreadable.map(({ step, reason }) => [step, reason])).toEqual([
      [3, 'it runs a text as a command'],
      [5, 'it is cut in the trace'],
    ]);
    expect(one.unclear).toMatchObject([{ step: 4, rule: 'files.write.allow' }]);
  });

  it('counts what was denied as kept, and what ran all the same as broken', async () => {
    const { session, audit, env, run, root } = project(SRC);
    const trace = session();
    const deny = (call: string): void =>
      appendVerdict(
        trace.sessionId,
        {
          at: trace.nowMs / 1000,
          call,
          event: trace.callId(call),
          tool: 'Write',
          said: 'deny',
          rule: 'files.write.allow',
          target: 'x.md',
        },
        env,
      );
    const kept = trace.call('Write', { file_path: join(root, 'x.md'), content: '' });
    deny(kept);
    trace.write(
      trace.event(
        'error',
        { event_subtype: 'denied', tool_use_id: kept, closed_by: 'guard' },
        { parent_id: trace.callId(kept) },
      ),
    );
    const first = await audit();
    expect(first.code).toBe(0);
    expect(first.one).toMatchObject({
      violations: [],
      ran: [],
      denied: [{ step: 3, by: 'guard', rule: 'files.write.allow', target: join(root, 'x.md') }],
    });
    const ran = trace.call('Write', { file_path: join(root, 'y.md'), content: '' });
    deny(ran);
    trace.result(ran, { files: [{ path: join(root, 'y.md'), kind: 'create' }] });
    const second = await audit();
    expect(second.code).toBe(1);
    expect(second.one.ran).toMatchObject([
      { step: 4, call: ran, proof: `it changed ${join(root, 'y.md')}` },
    ]);
    expect(second.one.violations).toMatchObject([{ step: 4, path: join(root, 'y.md') }]);
    expect((await run('audit')).out).toContain('1 denied call ran all the same');
  });

  it('follows links in what was recorded here, and takes traces from elsewhere by the letter', async () => {
    const { session, audit, root } = project(SRC);
    symlinkSync('/etc', join(root, 'src', 'link'));
    for (const [known, violations] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const trace = session({ known });
      trace.call('Write', { file_path: join(root, 'src/link/x'), content: '' });
      const { one } = await audit(trace.sessionId);
      expect([known, one.violations.length]).toEqual([known, violations]);
    }
  });

  it('holds a trace of another machine against the policy by its own folder', async () => {
    const { run, root } = project(SRC);
    const other = join(root, '..', 'other');
    const trace = new TraceWriter(other, 'from-elsewhere', {
      startMs: START,
      cwd: '/home/her/app',
    }).start();
    trace.call('Write', { file_path: '/home/her/app/src/a', content: '' });
    trace.call('Write', { file_path: '/home/her/app/a', content: '' });
    trace.call('Write', { file_path: '/srv/app/src/a', content: '' });
    const { out, code } = await run('audit', '--json', '--trace-dir', other);
    expect(code).toBe(1);
    const [one] = (JSON.parse(out) as { sessions: SessionAudit[] }).sessions;
    expect(one!.violations.map(({ path }) => path)).toEqual(['/home/her/app/a', '/srv/app/src/a']);
  });

  it('judges by no policy that has mistakes', async () => {
    const { session, run, file } = project();
    session().call('Bash', { command: 'ls' });
    writeFileSync(file, '{\n  "files": {"write": {"alow": []}}\n}');
    const { code, err, out } = await run('audit');
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('The policy .agent-scope.json cannot be used');
    expect(err).toContain('.agent-scope.json:2:23: a policy has no "alow"; did you mean allow?');
    expect((await run('audit', '--policy', 'none.json')).code).toBe(2);
  });

  it('audits all sessions, and shows those of which there is something to say', async () => {
    const { session, run, audit } = project(SRC);
    session().call('Bash', { command: 'ls' });
    const bad = session();
    bad.call('Bash', { command: 'curl example.com' });
    const { out, code } = await run('audit', '--all');
    expect(code).toBe(1);
    expect(out.match(/Do it/g)).toHaveLength(1);
    expect(out).toContain('1 violation in 2 sessions');
    const { report } = await audit('--all');
    expect(report.sessions).toHaveLength(2);
    expect(report.sessions.map(({ ok }) => ok).sort()).toEqual([false, true]);
    const markdown = await run('audit', bad.sessionId, '--markdown');
    expect(markdown.out).toContain('## 1 violation');
    expect(markdown.out).toMatch(/\| 3 \| .* \| runs curl example.com \| commands.deny curl/);
  });

  it('lets no text of a trace steer the terminal', async () => {
    const { session, run } = project(SRC);
    const trace = session();
    trace.call('Write', { file_path: '/x/\u001b]0;owned\u0007\u202e.md', content: '' });
    trace.call('Bash', { command: 'curl \u001b[2Jx' });
    trace.call('\u001b[31mTool', { path: '/y/.env\u001b[2J/.env' });
    for (const args of [[], ['--json'], ['--markdown']]) {
      const { out } = await run('audit', ...args);
      expect(out).toContain('owned');
      expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });

  it('keeps lists short, counts the rest, and knows that there is one', async () => {
    const { session, audit, run } = project(SRC);
    const trace = session();
    for (let n = 0; n < 2100; n++) trace.call('Write', { file_path: `/x/${n}`, content: '' });
    const { one, code } = await audit();
    expect(code).toBe(1);
    expect(one.violations).toHaveLength(2000);
    expect((one as unknown as { left_out: object }).left_out).toEqual({ violations: 100 });
    const { out } = await run('audit');
    expect(out).toContain('2,100 violations');
    expect(out).toContain('… and 2,050 more');
  });
});

describe('agent-strace policy', () => {
  const work = (trace: TraceWriter, root: string): void => {
    const did = (tool: string, args: Record<string, string>): void => {
      trace.result(trace.call(tool, args));
    };
    for (const name of ['a', 'b', 'c']) {
      did('Read', { file_path: join(root, `src/lib/${name}.ts`) });
      did('Write', { file_path: join(root, `src/lib/${name}.ts`), content: '' });
    }
    did('Read', { file_path: join(root, 'package.json') });
    did('Read', { file_path: join(root, 'app/[id]/page.tsx') });
    did('Read', { file_path: '/etc/hosts' });
    did('Grep', { pattern: 'x', path: join(root, 'docs') });
    did('Bash', { command: 'cd src && git --no-pager log -3 | head -2 && npm run -s build' });
    did('Bash', { command: 'python3 -m pytest tests/a.py 2>/dev/null' });
    did('Bash', { command: 'FOO=1 timeout 5 ./scripts/x.sh --flag; rm -rf dist' });
    did('Bash', { command: 'curl -s https://api.example.com/v1 -o out/x.json' });
    did('Bash', { command: 'if true; then sed -i s/a/b/ src/*.ts; fi' });
    did('WebFetch', { url: 'https://docs.example.org/x', prompt: '' });
    did('mcp__fs__write_file', { path: join(root, 'notes/n.md') });
  };

  it('writes one under which the same sessions break nothing', async () => {
    const { session, run, audit, root, file } = project();
    work(session(), root);
    const { code, err } = await run('policy', '--output', '.agent-scope.json');
    expect(code).toBe(0);
    const policy = JSON.parse(readFileSync(file, 'utf8'));
    expect(policy.files.read.allow).toEqual(
      expect.arrayContaining(['src/**', './package.json', '/etc/hosts', 'docs/**']),
    );
    expect(policy.files.write.allow).toEqual(
      expect.arrayContaining(['src/lib/**', 'dist/**', 'out/x.json', 'notes/n.md', 'src/*.ts']),
    );
    expect(policy.commands.allow).toEqual([
      'curl *',
      'git log *',
      'head *',
      'npm run *',
      'python3 -m pytest *',
      'rm *',
      'sed *',
      'x.sh *',
    ]);
    expect(policy.network).toEqual({
      deny_all: true,
      allow: ['api.example.com', 'docs.example.org'],
    });
    expect(err).toContain('/etc/hosts lies outside the project');
    const { one, code: audited } = await audit('--all');
    expect(one.violations).toEqual([]);
    expect(one.unclear).toEqual([]);
    expect(audited).toBe(0);
  });

  it('allows nothing else', async () => {
    const { session, run, audit, root } = project();
    work(session(), root);
    await run('policy', '--output', '.agent-scope.json');
    const other = session();
    const calls: [string, Record<string, string>][] = [
      ['Read', { file_path: join(root, 'src/lib/.env') }],
      ['Read', { file_path: join(root, 'src/lib/server.pem') }],
      ['Read', { file_path: '/etc/passwd' }],
      ['Write', { file_path: join(root, 'package.json'), content: '' }],
      ['Bash', { command: 'npm publish' }],
      ['Bash', { command: 'git push' }],
      ['Bash', { command: 'curl https://evil.org' }],
    ];
    for (const [tool, args] of calls) other.call(tool, args);
    const { one } = await audit(other.sessionId);
    expect([...new Set(one.violations.map(({ step }) => step))]).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });

  it('admits a sensitive file only where it was seen, and says so', async () => {
    const { session, run, audit, root } = project();
    const trace = session();
    for (const name of ['.env', 'x.ts', 'y.ts', 'z.ts'])
      trace.result(trace.call('Read', { file_path: join(root, 'config', name) }));
    for (const name of ['a', 'b', 'c'])
      trace.result(trace.call('Read', { file_path: join(root, 'src', name) }));
    const { err, out } = await run('policy');
    expect(err).toContain('config/.env holds secrets by its name, and was read');
    writeFileSync(join(root, '.agent-scope.json'), out);
    const other = session();
    const read = (path: string) => other.call('Read', { file_path: join(root, path) });
    for (const path of ['config/.env', 'src/.env', 'src/d', 'config/.env.local', '.env'])
      read(path);
    const { one, code } = await audit(other.sessionId);
    expect(code).toBe(1);
    expect(new Set(one.violations.map(({ path }) => path))).toEqual(
      new Set(['src/.env', 'config/.env.local', '.env'].map((path) => join(root, path))),
    );
    expect((await audit(trace.sessionId)).code).toBe(0);
  });

  it('never takes the whole project for some of its files', async () => {
    const { session, run, root } = project();
    const trace = session();
    for (let n = 0; n < 20; n++)
      trace.call('Write', { file_path: join(root, `f${n}`), content: '' });
    for (const dir of ['a', 'b', 'c', 'd'])
      trace.call('Write', { file_path: join(root, dir, 'x'), content: '' });
    const { out } = await run('policy');
    const { allow } = JSON.parse(out).files.write as { allow: string[] };
    expect(allow).toHaveLength(24);
    expect(allow.filter((glob) => glob.includes('*'))).toEqual([]);
  });

  it('writes over nothing without --force', async () => {
    const { session, run, root, file } = project({});
    session().call('Bash', { command: 'ls' });
    const before = readFileSync(file, 'utf8');
    const { code, err } = await run('policy', '-o', file);
    expect([code, readFileSync(file, 'utf8')]).toEqual([2, before]);
    expect(err).toContain('is there already');
    expect((await run('policy', '-o', file, '--force')).code).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8')).commands.allow).toEqual(['ls *']);
    const link = join(root, 'link.json');
    symlinkSync(join(root, 'target'), link);
    expect((await run('policy', '-o', link)).code).toBe(2);
    expect((await run('policy', '-o', link, '--force')).code).toBe(0);
    expect(existsSync(join(root, 'target'))).toBe(false);
    expect(statSync(link).isFile()).toBe(true);
  });

  it('says that there is nothing to go by', async () => {
    const { session, run } = project();
    session();
    const { code, err, out } = await run('policy');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('No call is recorded');
  });

  it('looks at the latest only, where told', async () => {
    const { session, run } = project();
    session().call('Bash', { command: 'one' });
    await new Promise((done) => setTimeout(done, 20));
    session().call('Bash', { command: 'two' });
    expect(JSON.parse((await run('policy', '--last', '1')).out).commands.allow).toEqual(['two *']);
    expect((await run('policy', '--last', '0')).code).toBe(2);
  });
});
