/**
 * Writes two finished sessions of the day before, as Claude Code and Codex would have left them, and prints the paths
 * of their transcripts. No model is called.
 *
 *   node demo/yesterday/write.mjs WORKSPACE --claude CLAUDE_CONFIG_DIR --codex CODEX_HOME [--now MS]
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { ClaudeTranscript } from './claudeTranscript.mjs';
import { CodexRollout } from './codexRollout.mjs';
import { OWN_BUCKET, PROMPT, THE_LIBRARY } from './stories.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    claude: { type: 'string' },
    codex: { type: 'string' },
    now: { type: 'string', default: String(Date.now()) },
  },
});
const [folder] = positionals;
if (folder === undefined || values.claude === undefined || values.codex === undefined) {
  console.error('usage: node demo/yesterday/write.mjs WORKSPACE --claude DIR --codex DIR');
  process.exit(2);
}
const cwd = resolve(folder);
const yesterday = new Date(Number(values.now));
yesterday.setDate(yesterday.getDate() - 1);

const first = new ClaudeTranscript({
  config: resolve(values.claude),
  cwd,
  session: '5b1f7c02-93de-4c66-a1b4-0d2f6e8c4a17',
  startMs: yesterday.setHours(16, 4, 12, 0),
  branch: 'rate-limit',
  files: workspace(),
});
first.prompt(PROMPT);
for (const step of OWN_BUCKET) first.turn(step);

const second = new CodexRollout({
  home: resolve(values.codex),
  cwd,
  session: '019ac3d1-52e8-7a40-b6f3-8e1d27c95b04',
  startMs: yesterday.setHours(16, 31, 40, 0),
  branch: 'rate-limit-again',
  model: 'gpt-5.2-codex',
  files: workspace(),
});
second.prompt(PROMPT);
for (const step of THE_LIBRARY) second.turn(step);

console.log(first.write());
console.log(second.write());
// The second was merged.
for (const [path, text] of second.files) {
  if (existsSync(join(cwd, path))) writeFileSync(join(cwd, path), text);
}

/** @returns {Map<string, string>} the workspace's files by relative path */
function workspace() {
  const files = new Map();
  for (const entry of readdirSync(cwd, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path
      .slice(cwd.length + 1)
      .split(sep)
      .join('/');
    if (entry.isFile() && /^(src|tests|pyproject)/.test(name))
      files.set(name, readFileSync(path, 'utf8'));
  }
  return files;
}
