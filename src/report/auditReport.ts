/** What an audit found, as text, JSON and Markdown. */
import {
  AUDIT_LISTS,
  type AuditedCall,
  type AuditFinding,
  type AuditList,
  type DeniedCall,
  hasViolations,
  type RanCall,
  type SensitiveTouch,
  type SessionAudit,
  type UnreadCommand,
} from '../model/audit.ts';
import { formatClock, formatCount, plural } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { moreText } from './bounds.ts';
import { dateTime } from './sessionTable.ts';
import type { Colour, Style } from './style.ts';
import { cutToWidth, sanitizeLine, textWidth } from './terminalText.ts';

/** The policy that was held against. */
export interface AuditPolicy {
  /** As people are shown them. */
  files: string[];
  rules: number;
}

/** Of each list; JSON has all. */
const MOST = 50;

interface Section<Item extends AuditedCall = AuditedCall> {
  title: (count: number) => string;
  colour: Colour;
  items: readonly Item[];
  more: number;
  /** One line. */
  text: (item: Item) => string;
  /** Behind it, dim: why. */
  why: (item: Item) => string;
}

interface View {
  /** A file of a policy, as people are shown it. */
  shown: (path: string) => string;
}

function sections(audit: SessionAudit, { shown }: View): Section[] {
  const short = (path: string): string =>
    audit.cwd !== '' && path.startsWith(`${audit.cwd}/`) ? path.slice(audit.cwd.length + 1) : path;
  const by = ({ rule, file, line }: AuditFinding): string =>
    file === undefined ? rule : `${rule} (${shown(file)}:${line ?? 1})`;
  const { more } = audit;
  const typed = <Item extends AuditedCall>(section: Section<Item>): Section =>
    section as unknown as Section;
  return [
    typed<RanCall>({
      title: (n) => `${plural(n, 'denied call')} ran all the same`,
      colour: 'red',
      items: audit.ran,
      more: more.ran,
      text: ({ tool, target }) => `${tool} ${target}`,
      why: ({ proof, rule }) => (rule === undefined ? proof : `${rule}; ${proof}`),
    }),
    typed<AuditFinding>({
      title: (n) => plural(n, 'violation'),
      colour: 'red',
      items: audit.violations,
      more: more.violations,
      text: ({ detail }) => detail,
      why: by,
    }),
    typed<AuditFinding>({
      title: (n) => `${plural(n, 'call')} that may break the policy: it cannot be told`,
      colour: 'yellow',
      items: audit.unclear,
      more: more.unclear,
      text: ({ detail }) => detail.replace(/ \(as far as can be told before it runs\)$/, ''),
      why: (item) => (item.command === undefined ? by(item) : `${by(item)}: ${item.command}`),
    }),
    typed<SensitiveTouch>({
      title: (n) => `${plural(n, 'sensitive file')} touched`,
      colour: 'yellow',
      items: audit.sensitive,
      more: more.sensitive,
      text: ({ access, path }) => `${ACCESS[access]} ${short(path)}`,
      why: ({ tool, times }) => (times > 1 ? `${tool}, ${times} times` : tool),
    }),
    typed<DeniedCall>({
      title: (n) => `${plural(n, 'call')} denied before ${n === 1 ? 'it' : 'they'} ran`,
      colour: 'green',
      items: audit.denied,
      more: more.denied,
      text: ({ tool, target }) => `${tool} ${short(target)}`,
      why: ({ by: who, rule }) => (rule === undefined ? `by: ${who}` : rule),
    }),
    typed<UnreadCommand>({
      title: (n) => `${plural(n, 'command')} that cannot be read`,
      colour: 'yellow',
      items: audit.unreadable,
      more: more.unreadable,
      text: ({ text }) => text,
      why: ({ reason }) => reason,
    }),
  ].filter(({ items }) => items.length > 0);
}

const ACCESS = { read: 'reads', write: 'writes', delete: 'deletes', unknown: 'touches' } as const;

/** One session, for a terminal. The texts in it may be anything. */
export function auditText(
  audit: SessionAudit,
  options: View & { style: Style; width?: number | undefined },
): string {
  const { style, width } = options;
  const fit = (text: string): string => (width === undefined ? text : cutToWidth(text, width));
  const title = sanitizeLine(audit.title) || 'Untitled session';
  const head = `${sanitizeLine(audit.session_id)} · ${sanitizeLine(audit.agent)} · ${dateTime(audit.started_at * 1000)} · ${plural(audit.checked, 'call')}`;
  const lines = [style.bold(fit(title)), style.dim(fit(head))];
  const found = sections(audit, options);
  for (const section of found) {
    const { items, more } = section;
    lines.push('', style[section.colour](fit(section.title(items.length + more))));
    for (const item of items.slice(0, MOST)) {
      const at = item.step === 0 ? 'step ?' : `step ${item.step}`;
      const agent = item.agent_id === undefined ? '' : ' (subagent)';
      const where = `  ${at.padEnd(10)} ${formatClock((item.at - audit.started_at) * 1000)}  `;
      const text = `${sanitizeLine(section.text(item))}${agent}`;
      const why = sanitizeLine(section.why(item));
      const plain = `${where}${text}  ${why}`;
      lines.push(
        width !== undefined && textWidth(plain) > width
          ? `${fit(`${where}${text}`)}\n${style.dim(fit(`${' '.repeat(13)}${why}`))}`
          : `${where}${text}  ${style.dim(why)}`,
      );
    }
    const rest = items.length - Math.min(items.length, MOST) + more;
    if (rest > 0) lines.push(style.dim(fit(`  ${moreText(rest, '', '', '--json has all')}`)));
  }
  if (found.length === 0) lines.push('', style.green('Nothing to report'));
  return `${lines.join('\n')}\n`;
}

/** What a summary needs of an audit. */
export interface AuditCounts {
  violations: number;
  /** Of which it cannot be told. */
  vague: number;
}

export const auditCounts = (audit: SessionAudit): AuditCounts => {
  const count = (...lists: AuditList[]): number =>
    lists.reduce((sum, list) => sum + audit[list].length + audit.more[list], 0);
  return { violations: count('violations', 'ran'), vague: count('unclear', 'unreadable') };
};

/** What it comes to, in a line. */
export function auditSummary(
  audits: readonly AuditCounts[],
  { files, rules }: AuditPolicy,
): { text: string; ok: boolean } {
  const count = audits.reduce((sum, { violations }) => sum + violations, 0);
  const vague = audits.reduce((sum, each) => sum + each.vague, 0);
  const rest = vague === 0 ? '' : `; ${plural(vague, 'finding')} of which it cannot be told`;
  const sessions = plural(audits.length, 'session');
  const against =
    files.length === 0
      ? 'no policy here, so only sensitive files and denied calls were looked for; agent-strace policy makes one'
      : `${files.join(', ')}: ${plural(rules, 'rule')}`;
  return {
    text: `${count === 0 ? 'No violations' : plural(count, 'violation')} in ${sessions}${rest} (${against})`,
    ok: count === 0,
  };
}

/** For a pull request or a ticket. */
export function auditMarkdown(audit: SessionAudit, view: View): string {
  const facts = [
    `- **Agent**: ${markdownText(audit.agent)}`,
    `- **When**: ${dateTime(audit.started_at * 1000)}`,
    `- **Session**: ${markdownText(audit.session_id)}`,
    `- **Calls**: ${formatCount(audit.checked)}`,
    `- **Result**: ${hasViolations(audit) ? '**violations**' : 'no violations'}`,
  ].join('\n');
  const parts = sections(audit, view).map((section) => {
    const rows = section.items
      .slice(0, MOST)
      .map(
        (item) =>
          `| ${item.step} | ${formatClock((item.at - audit.started_at) * 1000)} | ${markdownText(section.text(item))} | ${markdownText(section.why(item))} |`,
      );
    const rest = section.items.length - rows.length + section.more;
    return [
      `## ${markdownText(section.title(section.items.length + section.more))}`,
      '',
      '| step | time | what | why |',
      '|---|---|---|---|',
      ...rows,
      ...(rest > 0 ? ['', moreText(rest, '', '', '')] : []),
    ].join('\n');
  });
  return `${[`# Audit: ${markdownText(audit.title) || 'Untitled session'}`, facts, ...parts].join('\n\n')}\n`;
}

/** With what every JSON of a list says of what it leaves out. */
export function auditJson(audit: SessionAudit): object {
  const { more, ...rest } = audit;
  const left = AUDIT_LISTS.filter((list) => more[list] > 0);
  return {
    ...rest,
    ok: !hasViolations(audit),
    ...(left.length > 0 && {
      left_out: Object.fromEntries(left.map((list) => [list, more[list]])),
    }),
  };
}
