/** What the allow lists of a policy leave free: else none could be written that an agent can work under. */

/** What programs need that touch no file of anybody's. */
const DEVICES = [
  '/dev/null',
  '/dev/zero',
  '/dev/urandom',
  '/dev/tty',
  '/dev/std{in,out,err}',
  '/dev/fd/**',
];

/** Where agents put what they throw away: as rules see it, neither the project nor outside of it. */
const TEMPORARY = [
  '/tmp',
  '/var/tmp',
  '/dev/shm',
  '/var/folders',
  '/private/tmp',
  '/private/var/tmp',
  '/private/var/folders',
];

/** Without those that the project itself lies in, or all of it would be free. */
export const freeOf = (root: string): string[] => [
  ...DEVICES,
  ...TEMPORARY.filter((folder) => root !== folder && !root.startsWith(`${folder}/`)).map(
    (folder) => `${folder}/**`,
  ),
];

/** What changes nothing and shows nothing of a file, and what only runs another program: that one must be allowed. */
export const FREE_PROGRAMS = [
  ...['cd', 'pushd', 'popd', 'pwd', 'true', 'false', ':', 'test', '[', '[['],
  ...['echo', 'printf', 'exit', 'wait', 'sleep'],
  ...['env', 'time', 'timeout', 'nice', 'nohup', 'command', 'builtin', 'stdbuf', 'xargs'],
];
