import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Frame, Locator, Page } from 'playwright-core';
import { inject } from 'vitest';
import { launchChromium, saveScreenshot } from '../browser.ts';
import { CodeServer, type CodeServerOptions } from './codeServer.ts';
import { findWebview } from './findWebview.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder with the packaged extension installed in it (see globalSetup.ts). */
    extensionsDir: string;
  }
}

/** Options of {@link Workbench.open}. */
export interface WorkbenchOptions extends Omit<CodeServerOptions, 'extensionsDir'> {
  /** Pixels; 1280 × 800 by default. */
  viewport?: { width: number; height: number };
}

const timeout = 30_000;

/** A real VS Code with the packaged extension installed, driven as a person would. */
export class Workbench {
  /** The folder that is open; a trace folder in it makes the extension activate. */
  readonly folder: string;
  readonly page: Page;
  readonly server: CodeServer;
  private readonly browser: Browser;
  private readonly scratch: string;

  private constructor(
    folder: string,
    page: Page,
    server: CodeServer,
    browser: Browser,
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
    cpSync(inject('extensionsDir'), extensionsDir, { recursive: true });
    const server = await CodeServer.start({ ...options, extensionsDir });
    const browser = await launchChromium();
    const page = await browser.newPage({
      viewport: options.viewport ?? { width: 1280, height: 800 },
    });
    const workbench = new Workbench(opened, page, server, browser, scratch);
    try {
      await page.goto(server.url(opened));
      await page.locator('.monaco-workbench .statusbar-item').first().waitFor({ timeout });
      return workbench;
    } catch (error) {
      await workbench.close();
      throw error;
    }
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
    await this.page.locator('.monaco-workbench .statusbar-item').first().waitFor({ timeout });
  }

  /** Shows the view with this name, wherever it lives. */
  async openView(name: string): Promise<void> {
    await this.quickPick(`view ${name}`, name);
  }

  private async quickPick(input: string, label: string): Promise<void> {
    const box = this.page.locator('.quick-input-widget input').first();
    await this.openPalette(box);
    // The extension's commands can arrive a moment later than the palette.
    const row = this.page
      .locator('.quick-input-list .monaco-list-row')
      .filter({ has: this.page.getByText(label, { exact: true }) })
      .first();
    const deadline = Date.now() + timeout;
    for (;;) {
      await box.fill('');
      await box.fill(input);
      try {
        await row.click({ timeout: 2_000 });
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  }

  /** A page that has just got the focus and is not there yet hears no key. */
  private async openPalette(box: Locator): Promise<void> {
    const deadline = Date.now() + timeout;
    for (;;) {
      await this.page.keyboard.press('F1');
      try {
        await box.waitFor({ timeout: 3_000 });
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
