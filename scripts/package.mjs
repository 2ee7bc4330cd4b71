// Makes dist/agent-strace.vsix from a production build and checks what is inside it, and what npm would publish.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

const vsix = join('dist', 'agent-strace.vsix');
const maxBytes = 1_500_000;
// What most windows and hooks do not need is in parts of its own, loaded late: each is a file.
const maxFiles = 60;
const allowed = [
  /^(package\.json|package\.nls\.json|readme\.md|changelog\.md|license(\.txt)?)$/i,
  /^dist\/([\w-]+\.js|package\.json|THIRD-PARTY-NOTICES\.txt)$/,
  /^dist\/webview\/[\w-]+\.(js|css|ttf)$/,
  /^media\//,
];

run('node', ['esbuild.mjs', '--production']);
run('vsce', [
  'package',
  '--no-dependencies',
  '--allow-missing-repository',
  '--no-rewrite-relative-links',
  ...['--out', vsix],
]);

const vsixFiles = run('vsce', ['ls', '--no-dependencies'], 'pipe').trim().split('\n');
const hook = [
  'hook',
  'agents',
  'guard',
  'helper',
  'lean-guard',
  'lean-transcripts',
  'opencode',
  'personal',
  'regex',
  'rules',
  'shell',
  'snapshot',
  'transcripts',
].map((name) => `dist/${name}.js`);
const everywhere = ['package.json', 'dist/THIRD-PARTY-NOTICES.txt', ...hook];
check('the .vsix', vsixFiles, [...everywhere, 'dist/extension.js']);
const bytes = statSync(join(root, vsix)).size;
if (bytes > maxBytes) fail(`the .vsix is ${bytes} bytes; the limit is ${maxBytes}`);

const [packed] = Object.values(
  JSON.parse(run('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], 'pipe')),
);
/** @type {string[]} */
const npmFiles = packed.files.map((/** @type {{ path: string }} */ file) => file.path);
check('the npm package', npmFiles, [...everywhere, 'dist/cli.js']);

console.log(`${vsix}: ${vsixFiles.length} files, ${(bytes / 1000).toFixed(1)} KB`);
console.log(`npm: ${npmFiles.length} files, ${(packed.size / 1000).toFixed(1)} KB`);

/**
 * @param {string} what
 * @param {string[]} files
 * @param {string[]} required
 */
function check(what, files, required) {
  const stray = files.filter((path) => !allowed.some((pattern) => pattern.test(path)));
  if (stray.length) fail(`${what} holds what it should not: ${stray.join(', ')}`);
  const absent = required.filter((path) => !files.includes(path) || !existsSync(join(root, path)));
  if (absent.length) fail(`${what} lacks ${absent.join(', ')}`);
  if (files.length > maxFiles) fail(`${what} has ${files.length} files; the limit is ${maxFiles}`);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {'inherit' | 'pipe'} [stdout]
 */
function run(command, args, stdout = 'inherit') {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', stdout, stdout === 'pipe' ? 'pipe' : 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) fail(`${command} ${args[0]} failed\n${result.stderr ?? ''}`);
  return result.stdout ?? '';
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`package: ${message}`);
  process.exit(1);
}
