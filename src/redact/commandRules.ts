/** Secrets known by the command that they are an argument of. */
import type { Rule } from './engine.ts';

/** A value that points at a secret is none. */
export const notReference = (s: string): boolean =>
  !/^(?:\$|<|\{|%\w+%|\*+$|x+$|\[)|\$\{|\{\{/i.test(s);

/** Source of one argument: what is in quotes, or `bare`, each in a group. */
export const argument = (bare: string): string =>
  `(?:\\\\*"([^"\\\\\\n]{3,500})|\\\\*'([^'\\\\\\n]{3,500})|${bare})`;

const WORD = argument(`([^\\s"'\\\\;|&-][^\\s"'\\\\;|&]{2,300})`);
/** In SQL a value is quoted, or a word that is none of the language. */
const SQL_VALUE = argument('(?=\\w{0,60}\\d)(\\w{3,61})');
const QUOTES = `["'\\\\]{0,4}`;

const rule = (kind: string, on: string, find: string, after?: RegExp, ahead?: string): Rule => ({
  kind,
  on,
  find,
  after,
  ahead,
  check: notReference,
});

export const COMMAND_RULES: readonly Rule[] = [
  rule(
    'basic-auth',
    ' -u| --user| --proxy-user',
    `\\s(?:-u|-U|--user|--proxy-user)[ =]{0,2}${QUOTES}[^\\s:"'\\\\]{1,64}:([^\\s"'\\\\]{1,200})`,
    /\b(?:curl|http|https|wget|xh)\b/,
  ),
  rule(
    'password',
    ' -p',
    `\\s-p${QUOTES}([^\\s"'\\\\]{1,200})`,
    /\b(?:mysql\w*|mariadb\S*|sshpass|7z|zip|unrar)\b/,
    '[^\\s-]',
  ),
  rule(
    'password',
    ' -p| -a| -w',
    `\\s-[paw] ${QUOTES}([^\\s"'\\\\-][^\\s"'\\\\]{0,200})`,
    /\b(?:sshpass|docker login\b.*|az login\b.*|redis-cli\b.*|ldap\w+)\s?/,
    ' ',
  ),
  rule('password', 'pass:', `pass:([^\\s"'\\\\]{3,200})`, /\bopenssl\b/),
  rule(
    'cookie',
    ' -b| --cookie',
    `\\s(?:-b|--cookie)[ =](?=["'\\\\]{0,3}[\\w.-]{1,64}=[^\\s"'\\\\]{6})${WORD}`,
    /\bcurl\b/,
    '[ =]',
  ),
  rule('secret', ' -b| --body', `\\s(?:-b|--body)[ =]${WORD}`, /\bgh secret set\b/, '[ =]'),
  rule('password', ' -N| -P', `\\s-[NP] ${WORD}`, /\bssh-keygen\b/, ' '),
  // With -n it names no file.
  rule(
    'password',
    'htpasswd -',
    `htpasswd -(?=\\w*b)(?:(?=\\w*n)\\w+|\\w+ \\S{1,200}) \\S{1,100} ${WORD}`,
  ),
  rule(
    'password',
    'chpasswd',
    `(?<=[\\w.-]{1,32}:([^\\s"'|:$]{1,128})["'\\\\]{0,3}\\s{0,4}\\|\\s{0,4}(?:sudo )?)chpasswd|` +
      `chpasswd(?: -\\w+){0,2} ?<<<? ?${QUOTES}[\\w.-]{1,32}:([^\\s"'|:$\\\\]{1,128})`,
  ),
  // In lower case it is also prose.
  rule(
    'password',
    'IDENTIFIED |identified ',
    `(?:IDENTIFIED|(?<=\\b(?:create|alter) user .{0,120}|\\bgrant .{0,200})identified) ` +
      `(?:(?:WITH|with) [\\w'"]{1,40} )?(?:BY|by|AS|as) (?:PASSWORD )?${SQL_VALUE}`,
  ),
  rule(
    'password',
    'SET PASSWORD ',
    `SET PASSWORD (?:FOR \\S{1,100} )?(?:=|TO) (?:PASSWORD\\()?${SQL_VALUE}`,
  ),
  // A line of .pgpass: host, port, database, user, password.
  rule(
    'password',
    ':5432:|:6432:|:*:',
    `(?<=(?:^|[\\s"'])(?=[\\w.*-]{0,99}(?:[A-Za-z*]|\\d\\.\\d))[\\w.*-]{1,100})` +
      `:[\\d*]{1,5}:(?!\\d+:)[^:\\s]{1,64}:[^:\\s]{1,64}:([^:\\s"'\\\\]{3,200})(?![:\\w])`,
  ),
];
