import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isTargetFolder, restoreTarget } from './restoreTarget.ts';

let top: string;
let root: string;
beforeEach(() => {
  top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'target-')));
  root = join(top, 'root');
  fs.mkdirSync(join(root, 'src'), { recursive: true });
  fs.writeFileSync(join(root, 'src/a.ts'), '');
  fs.mkdirSync(join(top, 'outside'));
  fs.writeFileSync(join(top, 'outside/a.ts'), '');
});
afterEach(() => fs.rmSync(top, { recursive: true, force: true }));

const target = (path: string, roots = [root]) => {
  const found = restoreTarget(path, roots);
  return found.ok ? (found.exists ? 'there' : 'free') : found.problem;
};

it('takes files in an open folder, whether they are there or not', () => {
  expect(target(join(root, 'src/a.ts'))).toBe('there');
  expect(target(join(root, 'src/b.ts'))).toBe('free');
  expect(target(join(root, 'new/deep/b.ts'))).toBe('free');
  expect(target(join(root, 'src/a.ts'), [join(top, 'other'), root])).toBe('there');
});

it('takes none outside of it', () => {
  expect(target(join(top, 'outside/a.ts'))).toBe('outside');
  expect(target(`${root}/../outside/a.ts`)).toBe('outside');
  expect(target(`${root}/src/../../outside/a.ts`)).toBe('outside');
  expect(target(root)).toBe('outside');
  expect(target(`${root}-twin/a.ts`)).toBe('outside');
  expect(target('/etc/passwd', [])).toBe('outside');
});

it('takes none behind a link', () => {
  fs.symlinkSync(join(top, 'outside'), join(root, 'link'));
  fs.symlinkSync(join(top, 'outside/a.ts'), join(root, 'src/link.ts'));
  fs.symlinkSync(join(root, 'src'), join(root, 'inner'));
  fs.symlinkSync(join(top, 'nowhere'), join(root, 'src/dangling.ts'));
  expect(target(join(root, 'link/a.ts'))).toBe('link');
  expect(target(join(root, 'link/new/b.ts'))).toBe('link');
  expect(target(join(root, 'src/link.ts'))).toBe('link');
  expect(target(join(root, 'inner/a.ts'))).toBe('link');
  expect(target(join(root, 'src/dangling.ts'))).toBe('link');
});

it('takes a folder that was opened by a link, by both names', () => {
  fs.symlinkSync(root, join(top, 'opened'));
  expect(target(join(top, 'opened/src/a.ts'), [join(top, 'opened')])).toBe('there');
  expect(target(join(root, 'src/a.ts'), [join(top, 'opened')])).toBe('there');
});

it('takes none behind a link that leads nowhere yet', () => {
  fs.symlinkSync(join(top, 'nowhere'), join(root, 'later'));
  expect(target(join(root, 'later/a.ts'))).toBe('link');
  expect(target(join(root, 'later/deep/a.ts'))).toBe('link');
});

it('knows of a folder whether files in it can be restored', () => {
  fs.symlinkSync(join(top, 'outside'), join(root, 'link'));
  const all = [root, join(root, 'src'), join(root, 'new/deep')];
  expect(all.map((folder) => isTargetFolder(folder, [root]))).toEqual([true, true, true]);
  fs.symlinkSync(root, join(top, 'opened'));
  for (const folder of [root, join(top, 'opened')]) {
    expect(isTargetFolder(folder, [join(top, 'opened')])).toBe(true);
  }
  const none = [top, join(top, 'outside'), join(root, 'link'), join(root, 'src/a.ts')];
  expect(none.map((folder) => isTargetFolder(folder, [root]))).toEqual(none.map(() => false));
});

it('says no to whatever a trace can name, and throws at nothing', () => {
  expect(target(join(root, 'src/a.ts/b.ts'))).toBe('notFile');
  expect(target(join(root, 'src/a.ts/deep/b.ts'))).toBe('notFile');
  expect(target(`${root}/src/a\0.ts`)).toBe('notFile');
  expect(target(join(root, 'x'.repeat(400)))).toBe('notFile');
});

it('takes no folder', () => expect(target(join(root, 'src'))).toBe('notFile'));
