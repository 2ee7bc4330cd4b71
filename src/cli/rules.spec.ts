import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cli, temporaryFolder } from '../../test/cli/memoryIo.ts';

function place(text?: string) {
  const root = realpathSync(temporaryFolder());
  mkdirSync(join(root, '.git'));
  const file = join(root, '.watch-rules.yaml');
  if (text !== undefined) writeFileSync(file, text);
  const env = { HOME: join(root, 'home'), AGENT_STRACE_HOME: join(root, 'state') };
  return {
    file,
    run: (...args: string[]) => cli(args, { env, cwd: root }),
    write: (next: string) => writeFileSync(file, next),
  };
}

const GOOD = '- {name: spend, condition: cost_usd > 5, action: kill}\n';

it('rules check says that there is nothing wrong, or where and what to write instead', async () => {
  const { run, write } = place(GOOD);
  expect(await run('rules', 'check')).toMatchObject({
    code: 0,
    out: 'No mistakes: 1 rule in 1 file\n',
  });
  write(`${GOOD}- {name: b, condition: cots_usd > 5}\n`);
  expect(await run('rules', 'check')).toMatchObject({
    code: 1,
    out: '.watch-rules.yaml:2:24: there is nothing called "cots_usd"\n    did you mean cost_usd?\n1 mistake; 1 rule in 1 file can be read\n',
  });
  const json = await run('rules', 'check', '--json');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out)).toMatchObject({ problems: [{ line: 2, column: 24 }] });
});

it('rules check looks at the files that it is given', async () => {
  const { run, file } = place(GOOD);
  expect((await run('rules', 'check', file)).code).toBe(0);
  const missing = await run('rules', 'check', 'none.yaml');
  expect(missing.code).toBe(1);
  expect(missing.out).toMatch(/none\.yaml:1:1: it cannot be read: it is not there/);
});

it('rules list says what is in force, from where, and what it may do', async () => {
  const { run, write } = place();
  expect((await run('rules', 'list')).out).toMatch(/^No rules are in force here/);
  write(GOOD);
  const { out } = await run('rules', 'list', '--rules', 'budget:$5');
  expect(out).toMatch(
    /\.watch-rules\.yaml \(the repository’s: may only alert and deny\)\n {2}spend +deny {2}cost_usd > 5 \(kill where trusted\)/,
  );
  expect(out).toMatch(/A flag, or a watch that runs\n {2}budget +stop {2}cost_usd >= 5/);
  expect(out).toMatch(/guard-state +deny/);
  write('- {name: spend');
  const stale = await run('rules', 'list');
  expect(stale.out).toMatch(/spend +deny/);
  expect(stale.err).toMatch(/\.watch-rules\.yaml has mistakes: what it said before is in force/);
  expect(JSON.parse((await run('rules', 'list', '--json')).out)).toMatchObject({
    rules: expect.arrayContaining([
      expect.objectContaining({ name: 'spend', action: 'kill', action_in_hooks: 'deny' }),
    ]),
  });
});

it('rules test says what a call would meet', async () => {
  const { run } = place(
    '- {name: build, condition: \'command matches "rm -rf build"\', action: kill, message: Not that.}\n- {name: key, condition: "file_path writes /[.]pem$/", action: deny}\n',
  );
  expect(await run('rules', 'test', 'ls -l')).toMatchObject({ code: 0, out: 'allow\n' });
  const denied = await run('rules', 'test', 'cd src && sudo rm -f -r build');
  expect(denied.code).toBe(1);
  expect(denied.out).toMatch(
    /^deny\n {2}build \(deny\): .*\.watch-rules\.yaml:1\n {4}Not that\.\n/,
  );
  expect((await run('rules', 'test', '--trusted', 'rm -rf build')).out).toMatch(/^kill\n/);
  expect((await run('rules', 'test', '--tool', 'Write', '--path', 'a.pem')).out).toMatch(
    /key \(deny\)/,
  );
  expect((await run('rules', 'test', '--tool', 'Read', '--path', 'a.pem')).out).toBe('allow\n');
  expect((await run('rules', 'test', 'rm .watch-rules.yaml')).out).toMatch(/guard-rules \(deny\)/);
  expect(await run('rules', 'test')).toMatchObject({ code: 2, out: '' });
});
