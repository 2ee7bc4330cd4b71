/**
 * Rules that come with the product are about a few files, and in force for everybody: what names none of those files is held up
 * only where one that is there would really be changed. A person's own rules are taken as they are.
 */
import { escaped, isGlob, isLiteral, type Pattern, pathsMeet, textOf } from '../shell/pattern.ts';
import type { GuardedCall, Presence, Touch } from './guardedCall.ts';
import { type PathGlob, SEARCHES, textGlob } from './pathGlob.ts';
import type { Truth } from './truth.ts';

export interface Stake {
  truth: Truth;
  /** A file that is there and would be changed, absolute. */
  file?: string;
  /** What to do instead. */
  advice?: string;
}

/** Files of one rule that are looked at. */
const MAX_FILES = 60;

/** They put back what is committed. */
const PUTS_BACK = /^git (reset|checkout|restore|stash(?! -))\b/;
const CLEANS = /^git (clean|stash -[ua])\b/;
/** What it changes is said by git alone: of a person's own rules, too, only what is there counts. */
export const STASHES = /^git stash\b/;
const DELETES_ALL = /^rsync --delete/;
/** What they write is said by a file, which is not read. */
const FROM_FILE =
  /^(unzip|unrar|7z[az]?|tar x|g?patch|git (apply|am|submodule|filter-branch)|gh \w+ download)$/;
const COPIES = /^(g?cp|g?mv|g?install|g?ln|ditto|rsync|scp|docker cp)\b/;
/** Owners and rights: nothing is lost. */
const RIGHTS = /^(chmod|chown|chgrp|chattr|setfacl|xattr)$/;

/** Folders: the project, and the user's home. Absolute. */
export interface StakePlace {
  project: string;
  home: string;
}

/**
 * @param truth what the path and the rule's glob say by themselves
 * @returns the same where the call names what the rule is about, or where nothing is known of the machine
 */
export function atStake(
  touch: Touch,
  glob: PathGlob,
  truth: Truth,
  call: GuardedCall,
  place: StakePlace,
): Stake {
  const { there, touches } = call;
  const { path, how, access } = touch;
  // A tool that names a path means it.
  if (truth === 'no' || call.reading === undefined) return { truth };
  const isLeft = STASHES.test(how) && path?.endsWith('/**') === true;
  if (there === undefined) return { truth: isLeft ? 'no' : truth };
  const isSaid = says(there.said, nameOf(glob.pattern));
  if (path === undefined) return { truth: isSaid ? truth : 'no' };
  if (isLiteral(path) && pathsMeet(path, glob.pattern)) return { truth };
  // Of other projects within this one: whoever takes away or brings a folder does not mean its settings.
  if (glob.spread)
    return { truth: isSaid && access === 'write' && !PUTS_BACK.test(how) ? truth : 'no' };
  if (access === 'read') {
    const nowhere = !isLiteral(path) && !there.isThere(literalStart(path));
    return { truth: SEARCHES.test(how) || nowhere ? 'no' : truth };
  }
  const start = literalStart(path);
  const putsBack = PUTS_BACK.test(how);
  const deletes = access === 'delete' || DELETES_ALL.test(how);
  if (!deletes && !putsBack && isNamed(start, path, glob, place)) return { truth };
  // `tar x a.tar .watch-rules.json`: whoever says its name may well mean it.
  if (isSaid && !deletes && !putsBack) return { truth };
  if (RIGHTS.test(how)) return { truth: 'no' };
  if (COPIES.test(how) && !deletes && !isBelow(start, place.project))
    return copied(touch, start, glob, truth, touches, there);
  if (FROM_FILE.test(how)) return { truth: 'no' };
  const byFile = CLEANS.test(how) || putsBack;
  const isMeant = (each: string): boolean => {
    if (!takes(touch, each, there)) return false;
    if (byFile && isGit(each)) return false;
    if (putsBack) return there.gitState(each) === 'changed';
    return !CLEANS.test(how) || isCleaned(each, how, there);
  };
  let file: string | undefined;
  for (const each of presentFiles(glob, there, place.project, !byFile)) {
    if (!isMeant(each)) continue;
    file = each;
    break;
  }
  if (file === undefined) return { truth: 'no' };
  if (CLEANS.test(how)) {
    // A folder that is not to be touched is left out as a whole.
    const whole = glob.pattern.endsWith('/**') && !glob.anywhere ? glob.fixed : file;
    const name = whole.startsWith(`${place.project}/`)
      ? whole.slice(place.project.length + 1)
      : whole;
    const way = STASHES.test(how)
      ? 'stash what you mean: git stash push -- <paths>'
      : `leave it out: git clean -e '${name}'`;
    return { truth: 'some', file, advice: `commit it, or ${way}` };
  }
  return { truth: deletes ? 'some' : truth, file };
}

const isBelow = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
const isAtOrBelow = (path: string, folder: string): boolean =>
  path === folder || isBelow(path, folder);

const isGit = (path: string): boolean => /\/\.git(\/|$)/.test(path);

/** The folders before the first star, all of it where there is none. */
function literalStart(path: Pattern): string {
  const parts = path.split('/');
  const first = parts.findIndex((part) => isGlob(part));
  return textOf((first < 0 ? parts : parts.slice(0, first)).join('/')) || '/';
}

/** Whether it names the rule's folder, or one between that and the project: `.claude`, but not the project itself. */
function isNamed(start: string, path: Pattern, glob: PathGlob, place: StakePlace): boolean {
  if (glob.anywhere) return false;
  const { project, home } = place;
  const around = isAtOrBelow(project, start) && !isAtOrBelow(home, start);
  if (!around) return true;
  // `.c*/settings.json`: what it names may come to be.
  const last = path.slice(path.lastIndexOf('/') + 1);
  return isGlob(path) && !path.includes('**') && !isGlob(last);
}

/** What the rule's glob stands for, of what is there; a folder that is not to be touched at all before what is in it. */
function* presentFiles(
  glob: PathGlob,
  there: Presence,
  project: string,
  folders: boolean,
): Generator<string> {
  const { pattern, fixed, anywhere } = glob;
  const folder = anywhere ? project : fixed;
  if (!there.isThere(folder)) return;
  if (!isGlob(pattern)) {
    yield fixed;
    return;
  }
  const whole = !anywhere && pattern.endsWith('/**');
  if (whole && folders) yield folder;
  // Git's own files are many; none of them is meant by a name.
  if (whole && isGit(folder)) return;
  const mayBe = lastNameOf(glob);
  let left = MAX_FILES;
  for (const name of there.below(folder) ?? []) {
    if (!whole && !mayBe(name.slice(name.lastIndexOf('/') + 1))) continue;
    const path = `${folder}/${name}`;
    if (!whole && !pathsMeet(escaped(path), pattern)) continue;
    yield path;
    if (--left === 0) return;
  }
}

const lastNames = new WeakMap<PathGlob, (name: string) => boolean>();

/** Quick, for hundreds of names. */
function lastNameOf(glob: PathGlob): (name: string) => boolean {
  let test = lastNames.get(glob);
  if (test === undefined) {
    const last = glob.pattern.slice(glob.pattern.lastIndexOf('/') + 1);
    const text = textOf(last);
    test = isGlob(last)
      ? last.includes('\\')
        ? () => true
        : textGlob(last)
      : (name) => name === text;
    lastNames.set(glob, test);
  }
  return test;
}

/** Whether the act is done to the file, or to a folder around it. */
function takes({ path, deep, how }: Touch, file: string, { said }: { said: string }): boolean {
  const at = escaped(file);
  const meets = pathsMeet(path!, at) || (deep && pathsMeet(`${path}/**`, at));
  // The shell's own stars leave names out that begin with a dot; those of `find` and git do not.
  if (!meets || how.startsWith('git ')) return meets;
  if (/dotglob|glob_?dots|GLOBIGNORE/i.test(said)) return true;
  const names = at.split('/');
  for (const [index, part] of path!.split('/').entries()) {
    if (part === '**') break;
    if (/^[*?]/.test(part) && names[index]?.[0] === '.') return false;
  }
  return true;
}

function isCleaned(file: string, how: string, there: Presence): boolean {
  const name = file.slice(file.lastIndexOf('/') + 1);
  for (const [, spared = ''] of how.matchAll(/ -e (\S+)/g)) {
    const only = spared.replace(/^\.?\//, '').replace(/\/$/, '');
    if (only === name || file.endsWith(`/${only}`) || file.includes(`/${only}/`)) return false;
  }
  const state = there.gitState(file);
  if (state === 'ignored') return /^git (clean -[xX]|stash -a)/.test(how);
  return (state === 'new' || state === undefined) && !how.startsWith('git clean -X');
}

/** Of a copy of a folder's contents: whether one of them has the name of what the rule is about. */
function copied(
  { how }: Touch,
  start: string,
  { fixed, anywhere, pattern }: PathGlob,
  truth: Truth,
  touches: readonly Touch[],
  there: Presence,
): Stake {
  const name = isBelow(fixed, start) ? fixed.slice(start.length).replace(/^\//, '') : '';
  if (name === '' && !anywhere) return { truth: 'no' };
  const hit = touches.some(({ path, access, how: by }) => {
    if (access !== 'read' || by.replace(/ .*/, '') !== how.replace(/ .*/, '') || path === undefined)
      return false;
    const source = literalStart(path);
    if (anywhere)
      return there.below(source)?.some((each) => pathsMeet(escaped(`${source}/${each}`), pattern));
    const from = `${source}/${name}`;
    return (
      there.isThere(from) ||
      touches.some(
        ({ path: made, access: does }) =>
          does === 'write' && made !== undefined && isAtOrBelow(textOf(made), from),
      )
    );
  });
  return hit ? { truth, file: fixed } : { truth: 'no' };
}

/** Whether a command has a name in it, as one: no `x.git`, no `.gitignore` for `.git`. */
export function says(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1))
    if (!/[\w.-]/.test(text[at - 1] ?? '') && !/[\w-]/.test(text[at + name.length] ?? ''))
      return true;
  return false;
}

/** `.claude` of `/p/.claude/settings*.json`: what a command that means it says. */
export function nameOf(glob: string): string {
  const parts = glob.split('/').filter((part) => part !== '' && part !== '**');
  const last = parts.slice(-3);
  const dot = last.findLastIndex((part) => part.startsWith('.'));
  if (dot < 0) return last.at(-1)?.replace(/[*?].*$/s, '') || glob;
  const named = last[dot]!.replace(/[*?].*$/s, '');
  // Others keep much in these.
  return /^\.(github|config)$/.test(named) && dot + 1 < last.length
    ? `${named}/${last[dot + 1]}`
    : named;
}
