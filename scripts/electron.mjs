// npm run test:electron: the tests of test/vscode/host in the desktop's VS Code, which this downloads
// (optional; `npm test` runs the same tests in VS Code's server, without a download from Microsoft).
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureSetup, root } from './setup.mjs';
import { installTool } from './tools.mjs';

await ensureSetup();
const { bundleHostTests, hostBundle } = await import('../test/vscode/runHostTests.ts');
const { runTests } = createRequire(join(await installTool('electron'), 'package.json'))(
  '@vscode/test-electron',
);
await bundleHostTests();
const folder = mkdtempSync(join(tmpdir(), 'agent-strace-electron-'));
mkdirSync(join(folder, '.agent-traces'));
try {
  process.exitCode = await runTests({
    extensionDevelopmentPath: root,
    extensionTestsPath: hostBundle,
    launchArgs: [folder, '--disable-extensions', '--disable-workspace-trust'],
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
