import { expect, test } from 'vitest';
import { bundledPackages, noticesOf } from './notices.mjs';

const from = (...paths: string[]) => ({
  outputs: {
    'dist/a.js': {
      bytes: 0,
      imports: [],
      exports: [],
      inputs: Object.fromEntries(paths.map((path) => [path, { bytesInOutput: 9 }])),
    },
  },
});

test('names each package that code was taken from, once', () => {
  const first = from('src/a.ts', 'node_modules/yaml/dist/index.js', 'node_modules/yaml/util.js');
  const second = from('node_modules/@scope/one/font.ttf', 'node_modules/a/node_modules/b/b.js');
  expect(bundledPackages([first, second])).toEqual([
    'node_modules/@scope/one',
    'node_modules/a/node_modules/b',
    'node_modules/yaml',
  ]);
});

test('a package of which nothing is left is not named', () => {
  const none = from('node_modules/yaml/dist/index.js');
  none.outputs['dist/a.js'].inputs['node_modules/yaml/dist/index.js']!.bytesInOutput = 0;
  expect(bundledPackages([none])).toEqual([]);
});

test('says under which licence, with its words', () => {
  const text = noticesOf(['node_modules/yaml', 'node_modules/re2js']);
  expect(text).toMatch(/^yaml \d+\.\d+\.\d+ \(ISC\)$/m);
  expect(text).toMatch(/^re2js \d+\.\d+\.\d+ \(MIT\)$/m);
  expect(text).toContain('Copyright Eemeli Aro');
});
