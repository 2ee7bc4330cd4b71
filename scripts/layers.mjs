// The rooms of the house and which way the arrows point (docs/architecture.md). Part of `npm run lint`:
// it reads every import under src/ and webview/, type imports included, and names those that go the
// wrong way.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const engine = ['report', 'guard', 'history', 'analysis', 'agents', 'trace', 'redact', 'model'];

/**
 * Which rooms a room may import, beside itself.
 * @type {Record<string, string[]>}
 */
const arrows = {
  model: [],
  redact: ['model'],
  trace: ['model'],
  protocol: ['analysis', 'model'],
  analysis: ['redact', 'model'],
  agents: ['trace', 'redact', 'model'],
  guard: ['analysis', 'agents', 'trace', 'redact', 'model'],
  history: ['agents', 'trace', 'redact', 'model'],
  report: ['analysis', 'redact', 'model'],
  hook: engine,
  mcp: engine,
  sdk: engine,
  collector: [...engine, 'protocol'],
  cli: [...engine, 'protocol'],
  host: [...engine, 'protocol'],
  webview: ['protocol', 'model'],
};

/** Rooms that run anywhere: no Node, no DOM, no editor. */
const pure = ['model', 'redact', 'analysis', 'report', 'protocol'];

/** Modules that only some rooms may import. @type {{ module: RegExp, rooms: (room: string) => boolean }[]} */
const modules = [
  { module: /^vscode$/, rooms: (room) => room === 'host' },
  { module: /^preact(\/|$)/, rooms: (room) => room === 'webview' },
  { module: /^node:/, rooms: (room) => !pure.includes(room) && room !== 'webview' },
];

const importPattern =
  /^\s*(?:import|export)\s(?:[^'";]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

/** @param {string} path relative to the repository, with forward slashes */
function roomOf(path) {
  const [top, room = ''] = path.split('/');
  return top === 'src' ? room : (top ?? '');
}

/**
 * The imports of a source file that go the wrong way, one line each.
 * @param {string} path relative to the repository, with forward slashes
 * @param {string} source
 * @returns {string[]}
 */
export function violations(path, source) {
  const room = roomOf(path);
  const allowed = arrows[room];
  if (!allowed) return [`${path}: there is no room '${room}' in scripts/layers.mjs`];
  return [...source.matchAll(importPattern)].flatMap((match) => {
    const target = match[1] ?? match[2] ?? '';
    const line = source.slice(0, match.index).split('\n').length;
    const at = `${path}:${line}: ${room} must not import`;
    if (!target.startsWith('.')) {
      const rule = modules.find(({ module }) => module.test(target));
      return rule && !rule.rooms(room) ? [`${at} '${target}'`] : [];
    }
    const targetRoom = roomOf(join(dirname(path), target).replaceAll('\\', '/'));
    if (targetRoom === room || allowed.includes(targetRoom)) return [];
    return [`${at} ${targetRoom} ('${target}')`];
  });
}

if (process.argv[1] === import.meta.filename) {
  const root = join(import.meta.dirname, '..');
  const files = globSync('{src,webview}/**/*.{ts,tsx}', { cwd: root })
    .map((file) => relative(root, join(root, file)).replaceAll('\\', '/'))
    .filter((file) => !/\.(spec|d)\.tsx?$/.test(file));
  const found = files.flatMap((file) => violations(file, readFileSync(join(root, file), 'utf8')));
  for (const line of found) console.error(line);
  if (found.length) process.exit(1);
  console.log(`${files.length} files keep the direction of the arrows`);
}
