import type { UnderstandDeps } from './understandHost.ts';
export class SearchPick {
  constructor(_deps: UnderstandDeps) {}
  async show(): Promise<void> {}
  dispose(): void {}
}
