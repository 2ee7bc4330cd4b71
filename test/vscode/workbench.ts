import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Frame, Locator, Page } from 'playwright-core';
import { inject } from 'vitest';
import { launchProfile, profileOrigin, saveScreenshot } from '../browser.ts';
import { allThemes, CodeServer, type CodeServerOptions, type Theme } from './codeServer.ts';
import { findWebview } from './findWebview.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder with the packaged extension installed in it (see globalSetup.ts). */
    extensionsDir: string;
    /** Profile of a Chromium that knows the workbench (see warmProfile.ts). */
    chromiumProfile: string;
  }
}

/** Options of {@link Workbench.open}. */
export interface WorkbenchOptions extends Omit<CodeServerOptions, 'extensionsDir'> {
  /** Pixels; 1280 × 800 by default. */
  viewport?: { width: number; height: number };
}

const timeout = 30_000;

/** What VS Code brings and the tests meet: looks, git, and a language. The other ninety double the time to start. */
const builtIn = [
  'git',
  'git-base',
  'json',
  'markdown-basics',
  'python',
  'theme-defaults',
  'theme-modern-icons',
  'theme-seti',
  'yaml',
];

/** How the workbench and the document of a webview are marked in a theme. */
const marks: Record<Theme, { workbench: string; webview: string }> = {
  dark: { workbench: 'vs-dark', webview: 'vscode-dark' },
  light: { workbench: 'vs', webview: 'vscode-light' },
  hc: { workbench: 'hc-black', webview: 'vscode-high-contrast' },
  hcLight: { workbench: 'hc-light', webview: 'vscode-high-contrast-light' },
};

/** A real VS Code with the packaged extension installed, driven as a person would. */
export class Workbench {
  /** The folder that is open; a trace folder in it makes the extension activate. */
  readonly folder: string;
  readonly page: Page;
  readonly server: CodeServer;
  private readonly browser: BrowserContext;
  private readonly scratch: string;

  private constructor(
    folder: string,
    page: Page,
    server: CodeServer,
    browser: BrowserContext,
    scratch: string,
  ) {
    this.folder = folder;
    this.page = page;
    this.server = server;
    this.browser = browser;
    this.scratch = scratch;
  }

  /**
   * Starts a VS Code of its own, with a scratch home, and waits for the workbench.
   * `folder` (absolute) is opened as it is; without one, a new folder with an empty `.agent-traces`.
   */
  static async open(folder?: string, options: WorkbenchOptions = {}): Promise<Workbench> {
    const scratch = mkdtempSync(join(tmpdir(), 'agent-strace-workbench-'));
    const opened = folder ?? join(scratch, 'project');
    if (!folder) mkdirSync(join(opened, '.agent-traces'), { recursive: true });
    const extensionsDir = join(scratch, 'extensions');
    const profile = join(scratch, 'chromium');
    cpSync(inject('extensionsDir'), extensionsDir, { recursive: true });
    cpSync(inject('chromiumProfile'), profile, { recursive: true });
    const server = await CodeServer.start({ builtIn, ...options, extensionsDir });
    const viewport = options.viewport ?? { width: 1280, height: 800 };
    const browser = await launchProfile(profile, server, viewport);
    const page = browser.pages()[0] ?? (await browser.newPage());
    const workbench = new Workbench(opened, page, server, browser, scratch);
    try {
      await workbench.load(page);
      return workbench;
    } catch (error) {
      await workbench.close();
      throw error;
    }
  }

  /** Opens a second window on the same folder. */
  async secondWindow(): Promise<Page> {
    const page = await this.browser.newPage();
    await this.load(page);
    return page;
  }

  /** Closes the folder: a window without one. */
  async closeFolder(): Promise<void> {
    await this.page.goto(`${profileOrigin}/?ew=true`);
    await shown(this.page);
  }

  private async load(page: Page): Promise<void> {
    await page.goto(this.server.url(this.folder, {}, profileOrigin));
    await shown(page);
  }

  /** Waits until an item of the status bar shows `text`, and returns its whole text. */
  async statusBarText(text: string | RegExp): Promise<string> {
    return ((await this.statusBarItem(text).textContent({ timeout })) ?? '').trim();
  }

  /** The item of the status bar that shows `text`. */
  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item').filter({ hasText: text }).first();
  }

  /** Runs the command with this title (with its category: `Agent Strace: …`) from the palette. */
  async runCommand(title: string): Promise<void> {
    await this.quickPick(`>${title}`, title);
  }

  /**
   * Reloads the window as a person does. What is open is stored first: that of the browser does not wait,
   * and brings back what was open seconds ago.
   *
   * @param meanwhile happens while the window is not there
   */
  async reload(meanwhile?: () => void): Promise<void> {
    const loaded = this.page.waitForEvent('domcontentloaded', { timeout });
    await Promise.all([loaded, this.runCommand('Developer: Reload Window')]);
    meanwhile?.();
    await shown(this.page);
  }

  /** Shows the view with this name, wherever it lives. */
  async openView(name: string): Promise<void> {
    await this.quickPick(`view ${name}`, name);
  }

  /** Opens the file with this name, as a person does. @param page the window */
  async openFile(name: string, page = this.page): Promise<void> {
    await this.quickPick(name, name, page);
    await page.locator('.tab.active', { hasText: name }).waitFor({ timeout });
  }

  private async quickPick(input: string, label: string, page = this.page): Promise<void> {
    const box = page.locator('.quick-input-widget input').first();
    // The extension's commands can arrive a moment later than the palette.
    const row = page
      .locator('.quick-input-list .monaco-list-row')
      .filter({ has: page.getByText(label, { exact: true }) })
      .first();
    const deadline = Date.now() + timeout;
    for (;;) {
      try {
        // A page that has just got the focus and is not there yet hears no key; and whatever takes the focus
        // while something is typed closes the palette.
        if (!(await box.isVisible())) await page.keyboard.press('F1');
        await box.fill('', { timeout: 3_000 });
        await box.fill(input, { timeout: 1_000 });
        await row.click({ timeout: 2_000 });
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  }

  /** The document inside the webview with this title, once it is there. */
  async webviewFrame(title: string): Promise<Frame> {
    return await findWebview(this.page, title, timeout);
  }

  /**
   * Switches through the themes in the open window; webviews that are seen follow. The mouse lies aside, so that each
   * time what is hovered says so anew.
   */
  async inEachTheme(body: (theme: Theme) => Promise<void>): Promise<void> {
    for (const theme of Object.keys(allThemes) as Theme[]) {
      this.server.configure({ 'workbench.colorTheme': allThemes[theme] });
      const { workbench, webview } = marks[theme];
      await this.page.locator(`.monaco-workbench.${workbench}`).waitFor({ timeout });
      for (const frame of this.page.frames()) {
        const themed = frame.locator('body[data-vscode-theme-kind]:visible');
        if (await answer(themed.count()))
          await frame.locator(`body.${webview}`).waitFor({ timeout });
      }
      await this.page.mouse.move(0, 0);
      await this.settled();
      await body(theme);
    }
  }

  /** Waits until nothing moves: pictures are there, and what fades in or slides has done so. */
  async settled(): Promise<void> {
    await this.page.evaluate(settle);
    const frames = this.page.frames().filter((frame) => frame !== this.page.mainFrame());
    await Promise.all(frames.map((frame) => answer(frame.evaluate(settle))));
  }

  /** Writes test-results/screenshots/NAME.png and returns its path. */
  async screenshot(name: string): Promise<string> {
    return await saveScreenshot(this.page, name);
  }

  /** Ends VS Code and removes what it left. */
  async close(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** Waits until there is a workbench. */
async function shown(page: Page): Promise<void> {
  await page.locator('.monaco-workbench .statusbar-item').first().waitFor({ timeout });
}

/** What a frame says; nothing where it goes meanwhile, or may run no script and so never answers. */
async function answer<T>(question: Promise<T>): Promise<T | undefined> {
  const silence = new Promise<undefined>((resolve) => setTimeout(resolve, 700));
  return await Promise.race([question.catch(() => undefined), silence]);
}

/** Runs in a document: returns when two frames have been drawn in which nothing moved; after 5 s in any case. */
async function settle(): Promise<void> {
  const moves = () =>
    [...document.images].some(({ complete }) => !complete) ||
    document
      .getAnimations()
      .some(
        ({ playState, effect }) =>
          playState === 'running' && effect?.getComputedTiming().iterations !== Infinity,
      );
  const deadline = Date.now() + 5000;
  for (let still = 0; still < 2 && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    still = moves() ? 0 : still + 1;
  }
}
