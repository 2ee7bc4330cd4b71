// Type-checks every runtime apart: each tsconfig has only the types its rooms may use.
import { spawnSync } from 'node:child_process';

let failed = false;
for (const runtime of ['pure', 'node', 'host', 'webview', 'scripts', 'test']) {
  const { status } = spawnSync('tsc', ['-p', `tsconfig.${runtime}.json`], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) failed = true;
}
process.exit(failed ? 1 : 0);
