// Renders media/icon.svg to the 128×128 media/icon.png that VS Code's marketplace asks for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launchChromium } from '../test/browser.ts';
import { root } from './setup.mjs';

const browser = await launchChromium();
const page = await browser.newPage({ viewport: { width: 128, height: 128 } });
const svg = readFileSync(join(root, 'media/icon.svg'), 'utf8');
await page.setContent(`<style>body { margin: 0 } svg { display: block }</style>${svg}`);
await page.screenshot({ path: join(root, 'media/icon.png'), omitBackground: true });
await browser.close();
