/** How long reading a shell command takes: `node test/bench/shell.ts`. */
import { readCommand } from '../../src/guard/shell/readCommand.ts';
import { aimed, disguises, harmless } from '../shellCorpus.ts';

const world = { cwd: '/w/home/project', home: '/w/home', resolveLink: () => undefined, env: {} };
const timed = (text: string): number => {
  const start = performance.now();
  const cpu = process.cpuUsage();
  readCommand(text, { ...world, timeUp: () => performance.now() - start > 70 });
  // Of this process: others on the machine do not count.
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1000;
};
const at = (sorted: number[], part: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(2);

const commands = [
  ...disguises('disguises.txt').map(({ command }) => aimed(command, '/w/srv/data')),
  ...harmless('harmless.txt'),
];
console.log(`first command of a process: ${timed('cd x && rm -rf y').toFixed(2)} ms`);
for (const round of ['cold', 'warm']) {
  const all = commands.map(timed).sort((a, b) => a - b);
  console.log(
    `${commands.length} commands, ${round}: median ${at(all, 0.5)}, p99 ${at(all, 0.99)}, max ${at(all, 1)} ms`,
  );
}

const SIZE = 32_000;
const filled = (piece: string): string => piece.repeat(Math.floor(SIZE / piece.length));
const hostile: Record<string, string> = {
  'one long word': filled('a'),
  'many words': `rm ${filled('a ')}`,
  'many commands': filled('rm -rf a;'),
  'many variables': filled('$x'),
  'many substitutions': filled('$(a) '),
  'deep substitutions': '$('.repeat(8000) + ')'.repeat(8000),
  'deep subshells': '('.repeat(15_000) + ')'.repeat(15_000),
  'deep loops': 'for a in 1 2 3; do x=$x$a; '.repeat(1000) + 'done;'.repeat(1000),
  'many braces': `rm ${filled('{a,b}')}`,
  'nested braces': `rm ${'{a,'.repeat(15_000)}${'}'.repeat(15_000)}`,
  'open braces': `rm ${filled('{')}`,
  'open quotes and dollars': filled('${"$('),
  'growing variable': `x=aaaaaaaa;${filled('x=$x$x;')}`,
  'functions that call twice': `f0() { :; }; ${Array.from({ length: 1000 }, (_, n) => `f${n + 1}() { f${n}; f${n}; };`).join('')} f1000`,
  'many functions and subshells': Array.from(
    { length: 2500 },
    (_, n) => `f${n}(){ :;};(f${n});`,
  ).join(''),
  'here-documents': filled('cat <<E\na $x\nE\n'),
  'many folders': filled('cd a && cd b; '),
  globs: `rm ${filled('*?[a]')}`,
  'deep path': `rm ${filled('a/../')}`,
  'python quotes': `python3 -c '${filled('"""')}'`,
  'sed script': `sed '${filled('s/a/b/;')}'`,
  'awk slashes': `awk '${filled('/a')}'`,
  'slashes in awk print': `awk '${filled('print >')}'`,
  perl: `perl -pe '${filled('s/a/')}'`,
  'quotes for xargs': `echo "${filled("' ")}" | xargs rm`,
  'eval of eval': filled('eval eval '),
  'case branches': `case x in ${filled('a) x=1;; ')} esac`,
  printf: `printf '${filled('%s')}' a b c`,
};
let slowest = 0;
for (const [name, text] of Object.entries(hostile)) {
  const took = timed(text.slice(0, 32_768));
  slowest = Math.max(slowest, took);
  if (took > 20) console.log(`  ${name}, ${text.length} characters: ${took.toFixed(1)} ms`);
}
console.log(
  `${Object.keys(hostile).length} hostile commands of about 32 KB: slowest ${slowest.toFixed(1)} ms`,
);
