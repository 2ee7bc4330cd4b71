// Builds what ships into dist/: node esbuild.mjs [--production] [--watch]
// Everything for Node is CommonJS (dist/package.json says so): a hook process starts 6 ms faster than as
// an ES module, and the extension host of VS Code loads it without its ESM detour.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { build, context } from 'esbuild';
import { bundledPackages, noticesOf } from './scripts/notices.mjs';

const root = import.meta.dirname;
const dist = join(root, 'dist');
const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  sourcemap: production ? false : 'linked',
  minify: production,
  metafile: true,
  logLevel: 'warning',
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': production ? '"production"' : '"development"' },
};

/** @type {import('esbuild').BuildOptions} */
const node = {
  ...common,
  platform: 'node',
  format: 'cjs',
  mainFields: ['module', 'main'],
  define: {
    ...common.define,
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
  },
  external: ['vscode'],
};

/**
 * One copy of the price tables for host and CLI, loaded when a price is first asked for (a hook that
 * imported them would burst its budget, as it should).
 * @type {import('esbuild').BuildOptions}
 */
const withPrices = {
  ...node,
  alias: { '@pydantic/genai-prices': './prices.js' },
  external: ['vscode', './prices.js'],
};

/**
 * Parts of the extension and the command line that most sessions never use: bundles of their own, loaded when they are first
 * imported (by `import()`).
 * @type {Record<string, string>}
 */
const lazy = {
  'src/host/setUp.ts': 'setUp',
  'src/host/guard/guardPart.ts': 'guardWindow',
  'src/host/understandPart.ts': 'understand',
  'src/host/transcriptPart.ts': 'pastTranscripts',
  'src/host/transcriptCommands.ts': 'transcriptCommands',
  'src/host/usageTail.ts': 'usageTail',
  'src/redact/personalRules.ts': 'personal',
  'src/guard/rules/rulesFor.ts': 'rules',
  'src/guard/rules/regex.ts': 'regex',
  'src/guard/shell/readCommand.ts': 'shell',
};

/**
 * However they are imported: whoever needs a reader of rules, of regular expressions or of commands is itself loaded late, and
 * there shall be one copy, the recorder's.
 */
const once = ['rules', 'regex', 'shell'];

/** @type {import('esbuild').Plugin} */
const lazyParts = {
  name: 'lazy parts',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) => {
      const name = lazy[relative(root, join(resolveDir, path)).replaceAll('\\', '/')];
      if (name === undefined || kind === 'entry-point') return undefined;
      return kind === 'dynamic-import' || once.includes(name)
        ? { path: `./${name}.js`, external: true }
        : undefined;
    });
  },
};

/**
 * What the recorder shares with its parts, by file: read from `src/hook/shared.ts` itself.
 * @type {Promise<Record<string, string[]>>}
 */
const sharedNames = build({
  ...node,
  entryPoints: ['src/hook/shared.ts'],
  write: false,
  metafile: false,
  sourcemap: false,
}).then(({ outputFiles: [file] }) => {
  /** @type {{ exports: { shared?: Record<string, object> } }} */
  const module = { exports: {} };
  new Function('require', 'module', 'exports', '__dirname', file?.text ?? '')(
    createRequire(import.meta.url),
    module,
    module.exports,
    dist,
  );
  return Object.fromEntries(
    Object.entries(module.exports.shared ?? {}).map(([name, of]) => [name, Object.keys(of)]),
  );
});

/**
 * A part that takes from the recorder what that has loaded already (the launcher's loader passes it on as `__recorder`), and
 * bundles what it does not share.
 * @type {import('esbuild').Plugin}
 */
const fromRecorder = {
  name: 'from the recorder',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\.?\// }, async ({ path, resolveDir, kind }) => {
      if (kind === 'entry-point') return undefined;
      const file = join(resolveDir, path);
      const name = relative(join(root, 'src'), file).replaceAll('\\', '/').replace(/\.ts$/, '');
      return Object.hasOwn(await sharedNames, name)
        ? { path: file, namespace: 'recorder', pluginData: name }
        : undefined;
    });
    // What of such a file is not shared.
    onResolve({ filter: /./, namespace: 'recorder' }, ({ path }) => ({ path, sideEffects: false }));
    onLoad({ filter: /./, namespace: 'recorder' }, async ({ path, pluginData: name }) => ({
      contents:
        `export const { ${(await sharedNames)[name]?.join(', ')} } = __recorder[${JSON.stringify(name)}];\n` +
        `export * from ${JSON.stringify(path)};\n`,
      resolveDir: root,
      loader: 'js',
    }));
  },
};

/**
 * Of an icon only what draws it: its paths, exact to a hundredth of a pixel.
 * @type {import('esbuild').Plugin}
 */
const leanIcons = {
  name: 'leanIcons',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]codicons[\\/].*\.svg$/ }, ({ path: file }) => {
      const source = readFileSync(file, 'utf8');
      const box = /viewBox="(?!0 0 16 16")[^"]+"/.exec(source)?.[0] ?? '';
      const path = [...source.matchAll(/\sd="([^"]+)"/g)].map(([, d]) => d).join('');
      return { contents: `${box} d="${leanPath(path)}"`, loader: 'text' };
    });
  },
};

/**
 * The same path by what each point is from the last, in hundredths: fewer digits.
 * @param {string} path
 */
function leanPath(path) {
  if (/[^MLHVCZ\d\s.,-]/.test(path)) return path;
  let [x, y, startX, startY] = [0, 0, 0, 0];
  let lean = '';
  for (const [, command = '', rest = ''] of path.matchAll(/([MLHVCZ])([^MLHVCZ]*)/g)) {
    const numbers = (rest.match(/-?(?:\d+\.?\d*|\.\d+)/g) ?? []).map((n) => Math.round(+n * 100));
    if (command === 'Z') [x, y] = [startX, startY];
    const size = { H: 1, V: 1, C: 6 }[command] ?? 2;
    let words = '';
    for (let at = 0; at < numbers.length; at += size) {
      const group = numbers.slice(at, at + size);
      for (const [i, number] of group.entries()) {
        const isX = command === 'H' || (command !== 'V' && i % 2 === 0);
        const text = String((number - (isX ? x : y)) / 100).replace(/^(-?)0\./, '$1.');
        words += words === '' || text.startsWith('-') ? text : ` ${text}`;
      }
      if (command === 'H') x = group[0] ?? x;
      else if (command === 'V') y = group[0] ?? y;
      else [x, y] = [group.at(-2) ?? x, group.at(-1) ?? y];
      if (command === 'M' && at === 0) [startX, startY] = [x, y];
    }
    lean += command.toLowerCase() + words;
  }
  return lean;
}

/**
 * The pages, built together: what several of them need is in files beside them, once.
 * @type {import('esbuild').BuildOptions}
 */
const page = {
  ...common,
  plugins: [leanIcons],
  platform: 'browser',
  format: 'esm',
  splitting: true,
  chunkNames: 'webview/shared-[hash]',
  target: 'chrome130',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  // Links keep to the page's own folder; fonts are files because a webview's CSP names their source.
  loader: { '.ttf': 'file', '.woff2': 'file', '.svg': 'dataurl' },
  assetNames: 'webview/[name]',
};

/**
 * What is built for Node. `budget` is in KB (1,000 bytes) of minified scripts and styles.
 * @type {{ name: string, entry: string, budget: number, options: import('esbuild').BuildOptions }[]}
 */
const targets = [
  {
    name: 'extension',
    entry: 'src/host/extension.ts',
    budget: 330,
    options: { ...withPrices, target: 'node22', plugins: [lazyParts] },
  },
  {
    name: 'setUp',
    entry: 'src/host/setUp.ts',
    budget: 100,
    options: { ...node, target: 'node22' },
  },
  {
    name: 'guardWindow',
    entry: 'src/host/guard/guardPart.ts',
    budget: 280,
    options: { ...withPrices, target: 'node22', plugins: [lazyParts] },
  },
  {
    name: 'understand',
    entry: 'src/host/understandPart.ts',
    budget: 330,
    options: { ...withPrices, target: 'node22', plugins: [lazyParts] },
  },
  {
    name: 'usageTail',
    entry: 'src/host/usageTail.ts',
    budget: 180,
    options: { ...node, target: 'node22', plugins: [lazyParts] },
  },
  {
    name: 'pastTranscripts',
    entry: 'src/host/transcriptPart.ts',
    budget: 220,
    options: { ...node, target: 'node22', plugins: [lazyParts] },
  },
  {
    name: 'transcriptCommands',
    entry: 'src/host/transcriptCommands.ts',
    budget: 50,
    options: { ...node, target: 'node22' },
  },
  { name: 'hook', entry: 'src/hook/main.ts', budget: 75, options: { ...node, target: 'node20' } },
  // Beside the hook, loaded when they are needed: see src/hook/parts.ts. The first is the extension's, too.
  {
    name: 'personal',
    entry: 'src/redact/personalRules.ts',
    budget: 12,
    options: { ...node, target: 'node20' },
  },
  {
    name: 'regex',
    entry: 'src/guard/rules/regex.ts',
    budget: 160,
    options: { ...node, target: 'node20' },
  },
  {
    name: 'shell',
    entry: 'src/guard/shell/readCommand.ts',
    budget: 220,
    options: { ...node, target: 'node20' },
  },
  ...Object.entries({
    agents: 76,
    guard: 170,
    helper: 170,
    opencode: 80,
    rules: 205,
    snapshot: 26,
    transcripts: 160,
  }).map(([name, budget]) => ({
    name,
    entry: `src/hook/${name}.ts`,
    budget,
    // The price list is not beside them: the helper takes the prices that hooks have.
    options: { ...withPrices, target: 'node20' },
  })),
  // The same for a recorder that runs by the launcher's loader.
  ...Object.entries({ guard: 120, transcripts: 130 }).map(([name, budget]) => ({
    name: `lean-${name}`,
    entry: `src/hook/${name}.ts`,
    budget,
    options: { ...node, target: 'node20', plugins: [fromRecorder] },
  })),
  {
    name: 'cli',
    entry: 'src/cli/main.ts',
    // One file: split by command it was 60 files, and no command started sooner.
    budget: 1000,
    options: {
      ...withPrices,
      target: 'node20',
      plugins: [lazyParts],
      banner: hashbang('src/cli/main.ts'),
    },
  },
  {
    name: 'prices',
    entry: createRequire(import.meta.url).resolve('@pydantic/genai-prices'),
    budget: 500,
    options: { ...node, target: 'node20' },
  },
];

/** Of each page with all that it loads, in KB. @type {Record<string, number>} */
const pages = { stream: 150, replay: 220, compare: 150, report: 150, guard: 150 };

/** @param {string} entry */
function hashbang(entry) {
  const source = existsSync(join(root, entry)) ? readFileSync(join(root, entry), 'utf8') : '';
  return source.startsWith('#!') ? {} : { js: '#!/usr/bin/env node' };
}

/** @param {(typeof targets)[number]} target @returns {import('esbuild').BuildOptions} */
function optionsOf(target) {
  return {
    ...target.options,
    entryPoints: [{ in: target.entry, out: target.name }],
    outdir: 'dist',
  };
}

/** @type {import('esbuild').BuildOptions} */
const pageOptions = {
  ...page,
  entryPoints: Object.keys(pages).map((name) => ({
    in: `webview/${name}/main.tsx`,
    out: `webview/${name}`,
  })),
  outdir: 'dist',
};

/**
 * Bytes of the scripts and styles that an output loads, itself among them (not fonts, maps or images).
 * @param {import('esbuild').Metafile} metafile
 * @param {string} output
 */
function shippedBytes({ outputs }, output) {
  const files = new Set([output]);
  for (const file of files) {
    const { imports = [], cssBundle } = outputs[file] ?? {};
    for (const { path, external } of imports) if (external !== true) files.add(path);
    if (cssBundle) files.add(cssBundle);
  }
  return [...files]
    .filter((path) => /\.(js|css)$/.test(path))
    .reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
}

if (!watch) rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, 'meta'), { recursive: true });
writeFileSync(join(dist, 'package.json'), '{"type":"commonjs"}\n');

if (watch) {
  for (const options of [...targets.map(optionsOf), pageOptions]) {
    const session = await context({ ...options, logLevel: 'info' });
    await session.watch();
  }
} else {
  const rows = (
    await Promise.all([
      ...targets.map((target) => built(optionsOf(target), { [target.name]: target.budget })),
      built(
        pageOptions,
        Object.fromEntries(Object.entries(pages).map(([name, kb]) => [`webview/${name}`, kb])),
      ),
    ]).catch(() => process.exit(1))
  ).flat();
  const packages = bundledPackages(rows.map(({ metafile }) => metafile));
  writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), noticesOf(packages));
  if (production) checkBudgets(rows);
  else
    console.log(
      `built dist/: ${rows.map(({ name, bytes }) => `${name} ${kb(bytes).trim()}`).join(', ')}`,
    );
}

/**
 * Builds, and says of each output of `budgets` (KB, by name) how big it is.
 * @param {import('esbuild').BuildOptions} options
 * @param {Record<string, number>} budgets
 */
async function built(options, budgets) {
  const { metafile } = await build({ ...options, metafile: true });
  return Object.entries(budgets).map(([name, budget]) => {
    writeFileSync(join(dist, 'meta', `${name.replace('/', '-')}.json`), JSON.stringify(metafile));
    return {
      name,
      bytes: shippedBytes(metafile, `dist/${name}.js`),
      limit: budget * 1000,
      metafile,
    };
  });
}

/** @param {number} bytes */
function kb(bytes) {
  return `${(bytes / 1000).toFixed(1)} KB`.padStart(10);
}

/** @param {{ name: string, bytes: number, limit: number }[]} rows bytes */
function checkBudgets(rows) {
  for (const { name, bytes, limit } of rows) {
    const verdict = bytes > limit ? 'TOO BIG' : 'ok';
    console.log(`${name.padEnd(18)}${kb(bytes)} of ${kb(limit)}  ${verdict}`);
  }
  const over = rows.filter(({ bytes, limit }) => bytes > limit);
  if (over.length === 0) return;
  console.error(`size budget exceeded: ${over.map(({ name }) => name).join(', ')}`);
  console.error('dist/meta/*.json shows what is inside (https://esbuild.github.io/analyze/)');
  process.exit(1);
}
