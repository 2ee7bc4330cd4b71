import { describe, expect, it } from 'vitest';
import { onlyLooks } from './lookCommand.ts';
import { shownCommand } from './scriptCommand.ts';

describe('a command that only looks', () => {
  it.each([
    'rg -n "a|b; rm -rf x" src',
    "grep -rn 'x\\|y' . --include=*.go | head",
    'cd /p && git -C /p log --oneline -3 && git status --short',
    'ls -d ~/a ~/b 2>/dev/null; echo ---; cat x',
    "sed -n '1,40p' a.ts 2>&1 | head -5",
    'find . -name "*.ts" -not -path "./node_modules/*"',
    'FOO=1 which node || true',
    'for f in a b; do cat "$f"; done',
    'gh pr list --repo x/y 2> /dev/null',
    'sleep 30; gh run view 12 --json status',
    'sleep 5 && curl -sf -o /dev/null localhost:3000/health',
    'until nc -z localhost 5432; do sleep 1; done',
  ])('%s', (command) => {
    expect(onlyLooks(command)).toBe(true);
  });

  it.each([
    '',
    'cd /p',
    'echo hello',
    'npm test',
    'git commit -m "look at git log"',
    'git push',
    'cat a > b',
    'cat <<EOF > b',
    'sed -i "s/a/b/" x',
    "sed 's/a/b/' x",
    'find . -name "*.o" -delete',
    'ls && rm x',
    'cat $(make-it)',
    'grep "`run`" x',
    'python3 -c "print(1)"',
    'go build ./... | head',
    'curl -s localhost:3000',
    'sleep 5; curl -X POST localhost:3000/jobs',
    'sleep 5; curl -o page.html localhost:3000',
    'sleep 5; make deploy',
  ])('not: %s', (command) => {
    expect(onlyLooks(command)).toBe(false);
  });
});

describe('the command that is shown', () => {
  it('is found in the script that a model wrote', () => {
    const input =
      'const r = await tools.exec_command({"cmd":"sed -n \'1,9p\' a.json; rg \\"x\\" b","workdir":"/p"});\n' +
      "await tools.exec_command({ workdir: '/p', cmd: 'ls \\'a b\\'' });";
    expect(shownCommand({ input })).toBe("sed -n '1,9p' a.json; rg \"x\" b; ls 'a b'");
  });

  it('is the argument where there is one, and nothing where nothing is run', () => {
    expect(shownCommand({ command: ['git', 'status'] })).toBe('git status');
    expect(shownCommand({ input: 'const patch = "*** Begin Patch"' })).toBeUndefined();
    expect(shownCommand({ input: 7 })).toBeUndefined();
  });
});
