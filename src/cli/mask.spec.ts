import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cli, eventLine, temporaryFolder } from '../../test/cli/memoryIo.ts';

const SESSION = 'cfead79c-5438-40f8-bd9d-7d9dfefcc4c6';
const MAIL = 'jane.doe@acme-corp.com';

function place() {
  const root = temporaryFolder();
  const traceDir = join(root, '.agent-traces');
  const file = join(root, `${SESSION}.jsonl`);
  const row = {
    type: 'user',
    uuid: 'u1',
    sessionId: SESSION,
    timestamp: '2026-11-23T10:00:00.000Z',
    cwd: '/shop',
    message: { role: 'user', content: `Write to ${MAIL}` },
  };
  writeFileSync(file, `${JSON.stringify(row)}\n`);
  const env = { AGENT_STRACE_HOME: join(root, 'state') };
  return {
    traceDir,
    imported: () => readFileSync(join(traceDir, SESSION, 'events.ndjson'), 'utf8'),
    importFile: (...more: string[]) =>
      cli(['import', file, '--trace-dir', traceDir, ...more], { env, cwd: root }),
    run: (...args: string[]) => cli(args, { env, cwd: root }),
  };
}

it('import leaves personal data as it is until it is told', async () => {
  const { importFile, imported } = place();
  expect((await importFile()).code).toBe(0);
  expect(imported()).toContain(MAIL);
});

it('import --mask takes it out; with --no-redact that is no wish', async () => {
  const { importFile, imported } = place();
  expect(await importFile('--mask', '--no-redact')).toMatchObject({ code: 2, out: '' });
  expect((await importFile('--mask')).code).toBe(0);
  expect(imported()).toContain('Write to [REDACTED:email]');
  expect(imported()).not.toContain(MAIL);
});

it('config mask on is a choice for all that follows, --no-mask an exception', async () => {
  const one = place();
  expect((await one.run('config', 'mask')).out).toMatch(/^mask off: /);
  expect(await one.run('config', 'mask', 'maybe')).toMatchObject({ code: 2, out: '' });
  expect(await one.run('config', 'masks')).toMatchObject({ code: 2, out: '' });
  expect(await one.run('config', 'mask', 'on')).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse((await one.run('config', '--json')).out)).toEqual({ mask: true });
  await one.importFile();
  expect(one.imported()).not.toContain(MAIL);
  const other = place();
  await other.run('config', 'mask', 'on');
  await other.importFile('--no-mask');
  expect(other.imported()).toContain(MAIL);
});

it('inspect --mask takes it out of what was recorded with it, and adds to the counts', async () => {
  const { run, traceDir } = place();
  mkdirSync(join(traceDir, SESSION), { recursive: true });
  const path = join(traceDir, SESSION, 'events.ndjson');
  const data = { prompt: `Write to ${MAIL}`, redacted: { email: 1 }, cc: [MAIL] };
  appendFileSync(path, eventLine(SESSION, 'user_prompt', 1_795_000_000, 1, data));
  writeFileSync(
    join(traceDir, SESSION, 'meta.json'),
    JSON.stringify({ session_id: SESSION, command: `claude ${MAIL}` }),
  );
  const plain = await run('inspect', SESSION);
  expect(plain.out.split(MAIL)).toHaveLength(4);
  const masked = await run('inspect', SESSION, '--mask');
  expect(masked.code).toBe(0);
  expect(masked.out).not.toContain(MAIL);
  expect(JSON.parse(masked.out).events[0].data).toMatchObject({
    prompt: 'Write to [REDACTED:email]',
    redacted: { email: 3 },
  });
});
