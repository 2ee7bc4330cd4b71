import type { Frame, Page } from 'playwright-core';

/**
 * The document inside the webview with this title, once it is there.
 * @throws after `timeout` ms
 */
export async function findWebview(page: Page, title: string, timeout: number): Promise<Frame> {
  const deadline = Date.now() + timeout;
  while (Date.now() < deadline) {
    for (const frame of page.frames()) {
      if (await isContentOf(frame, title)) return frame;
    }
    await page.waitForTimeout(100);
  }
  throw new Error(`no webview with the title '${title}'`);
}

async function isContentOf(frame: Frame, title: string): Promise<boolean> {
  if (!frame.parentFrame()) return false;
  try {
    const element = await frame.frameElement();
    const [id, actual] = await Promise.all([
      element.getAttribute('id'),
      element.getAttribute('title'),
    ]);
    return id === 'active-frame' && actual === title;
  } catch {
    // Frames come and go while a webview loads.
    return false;
  }
}
