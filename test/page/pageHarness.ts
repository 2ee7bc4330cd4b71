import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { root } from '../../scripts/setup.mjs';
import { launchChromium, saveScreenshot } from '../browser.ts';
import type { Theme } from '../vscode/codeServer.ts';

/** What VS Code gives a webview's document in a theme (written by extractThemes.ts). */
interface ThemeStyles {
  bodyClass: string;
  bodyData: Record<string, string>;
  variables: Record<string, string>;
  defaultStyles: string;
}

/** Options of {@link PageHarness.open}. */
export interface OpenOptions {
  /** dark by default */
  theme?: Theme;
  /** Pixels; 900 × 700 by default. */
  viewport?: { width: number; height: number };
  /** What `getState` of the VS Code API returns at first. */
  state?: unknown;
  /** HTML inside the body; empty by default. */
  body?: string;
  /** Answers to the page's messages: what it returns is posted back. */
  onMessage?: (message: unknown) => unknown;
}

const types: Record<string, string> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.map': 'application/json',
  '.ttf': 'font/ttf',
};

/** The webviews' pages in a plain browser, as VS Code would show them. */
export class PageHarness {
  private readonly server: Server;
  private readonly browser: Browser;
  private readonly documents = new Map<string, { html: string; policy: string }>();

  private constructor(server: Server, browser: Browser) {
    this.server = server;
    this.browser = browser;
    server.on('request', (request, response) => {
      this.serve(new URL(request.url ?? '/', 'http://loopback').pathname, response);
    });
  }

  /** Starts the server and the browser; once a test file. */
  static async start(): Promise<PageHarness> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PageHarness(server, await launchChromium());
  }

  /**
   * Opens dist/webview/NAME.js with its styles.
   * @throws when it has not been built
   */
  async open(name: string, options: OpenOptions = {}): Promise<WebviewPage> {
    if (!existsSync(join(root, 'dist', 'webview', `${name}.js`))) {
      throw new Error(`there is no dist/webview/${name}.js: npm run build`);
    }
    const nonce = randomUUID();
    const path = `/document/${nonce}`;
    this.documents.set(path, {
      html: documentOf(name, nonce, options),
      policy: `default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'self'; font-src 'self'; img-src 'self'`,
    });
    const page = await this.browser.newPage({
      viewport: options.viewport ?? { width: 900, height: 700 },
    });
    const webview = new WebviewPage(page, options.onMessage);
    await webview.listen();
    await page.goto(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`);
    return webview;
  }

  /**
   * Opens a page that is fed: what the feed posts before the page is there waits for it, and arrives in order.
   *
   * @param begin begins the feed
   */
  async openFed(
    name: string,
    begin: (post: (message: unknown) => void) => void,
    options: OpenOptions,
  ): Promise<WebviewPage> {
    const waiting: unknown[] = [];
    let page: WebviewPage | undefined;
    let sending = Promise.resolve();
    const post = (message: unknown): void => {
      if (!page) {
        waiting.push(message);
        return;
      }
      const to = page;
      sending = sending
        .then(() => to.post(message))
        .catch((error: unknown) => {
          // A test that ends does not wait for answers that are on their way.
          if (!/closed|navigat/i.test(String(error))) throw error;
        });
    };
    begin(post);
    page = await this.open(name, options);
    for (const message of waiting.splice(0)) post(message);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(path: string, response: ServerResponse): void {
    const document = this.documents.get(path);
    if (document) {
      response.setHeader('content-security-policy', document.policy);
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(document.html);
      return;
    }
    const file = join(root, 'dist', 'webview', normalize(path));
    const type = types[extname(file)];
    if (!type || !existsSync(file)) {
      response.writeHead(path === '/favicon.ico' ? 204 : 404).end();
      return;
    }
    response.setHeader('content-type', type);
    response.end(readFileSync(file));
  }
}

/** A page that is open, seen from the extension's side. */
export class WebviewPage {
  readonly page: Page;
  /** What the page has posted to the extension. */
  readonly sent: unknown[] = [];
  /** Uncaught errors, console errors and violations of the content security policy. */
  readonly errors: string[] = [];
  private readonly onMessage: OpenOptions['onMessage'];

  constructor(page: Page, onMessage: OpenOptions['onMessage']) {
    this.page = page;
    this.onMessage = onMessage;
  }

  /** Connects the stub of the VS Code API; {@link PageHarness.open} has done so. */
  async listen(): Promise<void> {
    this.page.on('pageerror', (error) => this.errors.push(error.stack ?? error.message));
    this.page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
    await this.page.exposeFunction('postToExtension', async (message: unknown) => {
      this.sent.push(message);
      const answer = await this.onMessage?.(message);
      if (answer !== undefined) await this.post(answer);
    });
  }

  /** Posts a message to the page, as the extension would. Typed arrays arrive as such. */
  async post(message: unknown): Promise<void> {
    await this.page.evaluate((data) => {
      window.dispatchEvent(new MessageEvent('message', { data, origin: location.origin }));
    }, message);
  }

  /** What the page gave `setState` of the VS Code API last. */
  async kept(): Promise<unknown> {
    return await this.page.evaluate(() => (globalThis as { kept?: unknown }).kept);
  }

  /** Accessibility problems by axe-core (WCAG 2.2 A and AA), one line each; none is `[]`. */
  async axe(options: RunOptions = {}): Promise<string[]> {
    await this.page.evaluate(readFileSync(axePath, 'utf8'));
    const { violations } = await this.page.evaluate(
      async (given) =>
        (await (window as unknown as { axe: { run: (o: object) => unknown } }).axe.run(
          given,
        )) as AxeResults,
      {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
        ...options,
      },
    );
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => {
        const why = failureSummary?.split('\n').slice(1).join(' ').trim() ?? '';
        return `${id}: ${help} (${target.join(' ')}) ${why}`;
      }),
    );
  }

  /** Writes test-results/screenshots/NAME.png and returns its path. */
  async screenshot(name: string): Promise<string> {
    return await saveScreenshot(this.page, name);
  }

  async close(): Promise<void> {
    await this.page.close();
  }
}

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

function documentOf(name: string, nonce: string, options: OpenOptions): string {
  const theme = options.theme ?? 'dark';
  const { bodyClass, bodyData, variables, defaultStyles } = themeStyles(theme);
  const data = Object.entries(bodyData).map(
    ([key, value]) => `data-${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}="${value}"`,
  );
  const styles = existsSync(join(root, 'dist', 'webview', `${name}.css`))
    ? `<link rel="stylesheet" href="/${name}.css">`
    : '';
  // VS Code's own styles come before the page's policy, so that the page's may forbid inline ones.
  // And it paints the editor's background behind a webview; here the document must.
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${name}</title>
${styles}
<script nonce="${nonce}">
  const variables = ${inScript({ ...contributedColors(theme, variables), ...variables })};
  for (const name in variables) document.documentElement.style.setProperty(name, variables[name]);
  const defaults = new CSSStyleSheet();
  defaults.replaceSync(${inScript(defaultStyles)} + ':root { background: var(--vscode-editor-background) }');
  document.adoptedStyleSheets = [defaults];
  let state = ${inScript(options.state ?? null)} ?? undefined;
  const api = Object.freeze({
    postMessage: (message) => void postToExtension(message),
    getState: () => state,
    setState: (value) => (globalThis.kept = state = value),
  });
  let taken = false;
  globalThis.acquireVsCodeApi = () => {
    if (taken) throw new Error('An instance of the VS Code API has already been acquired');
    taken = true;
    return api;
  };
</script>
</head>
<body class="${bodyClass}" ${data.join(' ')}>
${options.body ?? ''}
<script type="module" src="/${name}.js"></script>
</body>
</html>`;
}

const inScript = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

interface ContributedColor {
  id: string;
  defaults: { dark: string; light: string; highContrast: string; highContrastLight: string };
}

const KINDS = {
  dark: 'dark',
  light: 'light',
  hc: 'highContrast',
  hcLight: 'highContrastLight',
} as const satisfies Record<Theme, string>;

/** The colours this extension contributes, as variables; a default may name another colour. */
function contributedColors(theme: Theme, variables: Record<string, string>) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const colors: ContributedColor[] = manifest.contributes.colors;
  const variable = (id: string) => `--vscode-${id.replaceAll('.', '-')}`;
  return Object.fromEntries(
    colors.map(({ id, defaults }) => {
      const value = defaults[KINDS[theme]];
      return [variable(id), value.startsWith('#') ? value : (variables[variable(value)] ?? '')];
    }),
  );
}

function themeStyles(theme: Theme): ThemeStyles {
  const path = join(import.meta.dirname, 'themes', `${theme}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as ThemeStyles;
}
