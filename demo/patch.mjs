/** Edits of files, as agents tell of them. */

/**
 * The one hunk of a replacement: what both texts begin and end with is context.
 *
 * @param {string} original
 * @param {string} from stands in `original`
 * @param {string} to
 */
export function hunkOf(original, from, to) {
  const oldStart = original.slice(0, original.indexOf(from)).split('\n').length;
  const old = linesOf(from);
  const fresh = linesOf(to);
  return {
    oldStart,
    oldLines: old.length,
    newStart: oldStart,
    newLines: fresh.length,
    lines: patchLines(old, fresh),
  };
}

/** @param {string} text */
const linesOf = (text) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** @param {string[]} old @param {string[]} fresh */
function patchLines(old, fresh) {
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++;
  let end = 0;
  const most = Math.min(old.length, fresh.length) - start;
  while (end < most && old[old.length - 1 - end] === fresh[fresh.length - 1 - end]) end++;
  return [
    ...old.slice(0, start).map((line) => ` ${line}`),
    ...old.slice(start, old.length - end).map((line) => `-${line}`),
    ...fresh.slice(start, fresh.length - end).map((line) => `+${line}`),
    ...old.slice(old.length - end).map((line) => ` ${line}`),
  ];
}
