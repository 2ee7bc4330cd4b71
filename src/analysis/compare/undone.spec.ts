import { expect, it } from 'vitest';
import { analysed } from '../../../test/analysed.ts';
import { Script } from '../../../test/costSession.ts';
import { undoneAfter } from './undone.ts';

function undone(...commands: string[]): number {
  const script = new Script().start(0).prompt(1);
  for (const [at, command] of commands.entries()) {
    const id = `t${at}`;
    script.call(2 * at + 2, id, 'Bash', { command }).result(2 * at + 3, id, 'Bash', { result: '' });
  }
  return undoneAfter(analysed(script.fold(), script.events), 1);
}

it('tells commands that throw work away from those that keep it', () => {
  for (const command of [
    'git checkout -- .',
    'git checkout .',
    'cd /p && git checkout HEAD -- src/a.ts',
    'git restore src',
    'git -C /p reset HEAD~1 --hard',
    'git clean -fd',
    'git stash',
    'git stash push -m x',
  ]) {
    expect(undone(command), command).toBe(1);
  }
  for (const command of [
    'git checkout main',
    'git checkout -b fix',
    'git restore --staged a.ts',
    'git reset HEAD~1',
    'git clean -n',
    'git stash list',
    'echo git checkout',
    'git status',
  ]) {
    expect(undone(command), command).toBe(0);
  }
  expect(undone('git stash', 'ls', 'git stash pop')).toBe(0);
  expect(undone()).toBe(0);
});
