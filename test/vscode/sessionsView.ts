import type { Locator, Page } from 'playwright-core';

/** A time zone in which it is about noon now: "an hour ago" is today there, whenever the test runs. */
export function noonZone(): string {
  const ahead = 12 - new Date().getUTCHours();
  // The names of these zones count the other way.
  return ahead === 0 ? 'Etc/GMT' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}

/** The list of sessions. */
export const tree = (page: Page): Locator => page.getByRole('tree', { name: 'Sessions' });

/** The first row of the list that has the text. */
export const row = (page: Page, text: string | RegExp): Locator =>
  tree(page).getByRole('treeitem').filter({ hasText: text }).first();

/** Takes an item of a row's menu. @param on text of the row */
export async function menu(page: Page, on: string, item: string): Promise<void> {
  await row(page, on).click({ button: 'right' });
  const entry = page.getByRole('menuitem', { name: item });
  await entry.waitFor();
  // For a moment after it opened a menu takes no click.
  await page.waitForTimeout(300);
  await entry.click();
}
