import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findChromium, root } from '../scripts/setup.mjs';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Starts the machine's Chromium, headless and quiet on the network.
 * @throws when there is none
 */
export async function launchChromium(options: { headless?: boolean } = {}): Promise<Browser> {
  return await chromium.launch({
    executablePath: chromiumPath(),
    headless: options.headless ?? true,
    args,
  });
}

/** A list that is given replaces Playwright's own: what of that matters here, and one more. */
const disabledFeatures = [
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'MediaRouter',
  'OptimizationHints',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  // With it scripts are compiled while they load, and never taken from the code cache.
  'BackgroundResourceFetch',
];

/**
 * Starts a Chromium that lives in a folder: what it has loaded and compiled there is there the next time.
 *
 * @param profile the folder; only one at a time lives in it
 * @param server what its pages see at {@link profileOrigin}: caches know an address, and each server has a port of
 *   its own
 * @throws when there is no Chromium
 */
export async function launchProfile(
  profile: string,
  server: { port: number },
  viewport?: { width: number; height: number },
): Promise<BrowserContext> {
  return await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    viewport: viewport ?? null,
    args: [
      ...args,
      `--disable-features=${disabledFeatures.join(',')}`,
      `--host-resolver-rules=MAP ${new URL(profileOrigin).host}:80 127.0.0.1:${server.port}`,
    ],
  });
}

/** Where a page of {@link launchProfile} finds its server; a name of this kind counts as secure. */
export const profileOrigin = 'http://workbench.localhost';

function chromiumPath(): string {
  const path = findChromium();
  if (!path) throw new Error('no Chromium found: install it or set CHROME to its path');
  return path;
}

/** Writes test-results/screenshots/NAME.png and returns its path. */
export async function saveScreenshot(page: Page, name: string): Promise<string> {
  const path = join(root, 'test-results', 'screenshots', `${name}.png`);
  mkdirSync(dirname(path), { recursive: true });
  await page.screenshot({ path });
  return path;
}
