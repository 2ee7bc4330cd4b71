import { expect, test } from 'vitest';
import { violations } from './layers.mjs';

test.each([
  ['src/model/event.ts', "import { open } from '../trace/store.ts';", 'trace'],
  ['src/analysis/cost.ts', "import type { Store } from '../trace/store.ts';", 'trace'],
  ['src/agents/claude/hook.ts', "import { x } from '../../host/status.ts';", 'host'],
  ['src/cli/main.ts', "import '../host/extension.ts';", 'host'],
  ['src/cli/main.ts', "import * as vscode from 'vscode';", "'vscode'"],
  ['src/model/event.ts', "import { hash } from 'node:crypto';", "'node:crypto'"],
  ['src/model/event.ts', "const fs = await import('node:fs');", "'node:fs'"],
  ['src/report/html.ts', "import {\n  render,\n} from 'preact';", "'preact'"],
  ['webview/stream/main.tsx', "export { fold } from '../../src/analysis/fold.ts';", 'analysis'],
])('%s may not have %s', (path, source, what) => {
  const found = violations(path, `// a comment\n${source}\n`);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(`must not import ${what}`);
  expect(found[0]).toContain(`${path}:2`);
});

test('arrows that point the right way pass', () => {
  const source = [
    "import { readFileSync } from 'node:fs';",
    "import { fold } from '../model/fold.ts';",
    "import { cost } from '../analysis/cost.ts';",
    "import { here } from './here.ts';",
    "import * as vscode from 'vscode';",
  ].join('\n');
  expect(violations('src/host/extension.ts', source)).toEqual([]);
  expect(violations('webview/stream/main.tsx', "import { render } from 'preact';")).toEqual([]);
});

test('a folder that no one has placed is named', () => {
  expect(violations('src/misc/a.ts', '')[0]).toContain("no room 'misc'");
});
