import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BAR_COLOURS, gutterBar } from './gutterBar.ts';

const svgOf = (address: string): string =>
  Buffer.from(address.split('base64,')[1] ?? '', 'base64').toString();

describe('the bar in the gutter', () => {
  it('has the colours that the extension contributes', () => {
    const manifest = join(import.meta.dirname, '../../package.json');
    const { colors } = JSON.parse(readFileSync(manifest, 'utf8')).contributes as {
      colors: { id: string; defaults: Record<string, string> }[];
    };
    for (const kind of ['read', 'modified'] as const) {
      expect(BAR_COLOURS[kind]).toEqual(
        colors.find(({ id }) => id === `agentStrace.${kind}`)?.defaults,
      );
    }
  });

  it('has the person’s own colour, if it is one', () => {
    expect(svgOf(gutterBar('read', 'dark', { 'agentStrace.read': '#ff00ff' }))).toContain(
      '"#ff00ff"',
    );
    for (const odd of ['"/><script>', 'red', 7, null]) {
      expect(svgOf(gutterBar('read', 'dark', { 'agentStrace.read': odd }))).toContain('"#4a9eff"');
    }
  });

  it('differs by more than colour in high contrast', () => {
    const bars = (kind: 'read' | 'modified') =>
      svgOf(gutterBar(kind, 'highContrast')).split('<rect');
    expect(bars('read')).toHaveLength(3);
    expect(bars('modified')).toHaveLength(2);
  });
});
