// Names the libraries whose code is in what ships, with their licences: dist/THIRD-PARTY-NOTICES.txt. Which they are the
// build itself says, so that none is forgotten when one is added.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

/** In the path of a file, with forward slashes: the folder of the innermost package. */
const PACKAGE = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//;

/**
 * The packages that anything was taken from, in the order of their folders.
 * @param {readonly Pick<import('esbuild').Metafile, 'outputs'>[]} metafiles
 * @returns {string[]} their folders, relative to the root: `node_modules/@vscode/codicons`
 */
export function bundledPackages(metafiles) {
  const folders = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => {
        const folder = PACKAGE.exec(path)?.[1];
        return folder === undefined || bytesInOutput === 0 ? [] : [folder];
      }),
    ),
  );
  return [...new Set(folders)].sort();
}

/**
 * @param {readonly string[]} folders of packages, relative to the root
 * @returns {string}
 * @throws {Error} where a package brings no text of its licence
 */
export function noticesOf(folders) {
  const head =
    'Agent Strace includes parts of the following packages, each under its own licence.\n';
  return [head, ...folders.map(noticeOf)].join(`\n${'-'.repeat(78)}\n\n`);
}

/** @param {string} path @returns {string} */
function noticeOf(path) {
  const folder = join(root, path);
  const { name, version, license, homepage, repository } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  const file = readdirSync(folder).find((each) => /^licen[cs]e(\.(md|txt))?$/i.test(each));
  if (file === undefined)
    throw new Error(
      `${name} has no LICENSE file, so it cannot be shipped: bundle another package, or ask for one`,
    );
  const text = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim();
  const where = homepage ?? repository?.url ?? repository ?? '';
  return `${name} ${version} (${license})\n${where}\n\n${text}\n`;
}
