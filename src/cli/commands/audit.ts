import { relative, resolve } from 'node:path';
import { auditSession } from '../../guard/audit.ts';
import { type AuditPlace, auditPlace } from '../../guard/auditPlace.ts';
import type { Disobeyed } from '../../guard/deniedRuns.ts';
import { EvidenceReader } from '../../guard/evidence.ts';
import type { Rule, RuleProblem } from '../../guard/rules/rule.ts';
import { policyRules } from '../../guard/rules/rulesFor.ts';
import { allVerdicts } from '../../guard/verdicts.ts';
import type { SessionAudit } from '../../model/audit.ts';
import { summarise } from '../../model/summary.ts';
import {
  type AuditCounts,
  type AuditPolicy,
  auditCounts,
  auditJson,
  auditMarkdown,
  auditSummary,
  auditText,
} from '../../report/auditReport.ts';
import { safeJson, sanitizeLine } from '../../report/terminalText.ts';
import { isBelow } from '../../trace/paths.ts';
import type { SessionEntry } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import {
  breathe,
  CliError,
  type Io,
  oneFormat,
  print,
  printFacts,
  styleFor,
  widthOf,
} from '../io.ts';
import { problemLine } from '../ruleText.ts';
import {
  findSession,
  homely,
  listEntries,
  openStore,
  processState,
  projectOf,
  readSession,
  type TraceOptions,
} from '../traces.ts';

export interface AuditCommandOptions extends TraceOptions {
  policy?: string;
  all?: boolean;
  json?: boolean;
  markdown?: boolean;
}

/** Holds sessions against a policy. @returns 1 where one broke it */
export async function audit(
  io: Io,
  id: string | undefined,
  options: AuditCommandOptions,
): Promise<number> {
  if (id !== undefined && options.all === true)
    throw new CliError('An id and --all say two things', EXIT.usage, 'Leave one of them out.');
  oneFormat(options);
  const store = openStore(io, options);
  const entries = options.all === true ? listEntries(io, store) : [findSession(io, store, id)];
  const policies = new Policies(io, options.policy);
  const printed = new Printed(io, options, policies);
  await printed.start();
  for (const entry of entries) {
    const found = await auditOne(io, entry, policies);
    await printed.session(found);
  }
  return (await printed.end()) ? EXIT.ok : EXIT.none;
}

async function auditOne(io: Io, entry: SessionEntry, policies: Policies): Promise<SessionAudit> {
  const session = await readSession(io, entry);
  const summary = summarise(session.fold, {
    nowMs: io.now(),
    process: processState(io, entry.id),
  });
  const place = policies.placeOf(entry, session.fold.session.cwd);
  const run = auditSession(session, summary, {
    rules: policies.rulesOf(place),
    local: place.local,
    root: place.root,
    verdicts: allVerdicts(entry.id, io.env),
    disobeyed: await disobeyedIn(io, entry),
  });
  for (;;) {
    const step = run.next();
    if (step.done === true) return step.value;
    await breathe(io);
  }
}

/** Bytes that are read before Ctrl-C is looked at. */
const STEP_BYTES = 8 * 1_048_576;

async function disobeyedIn(io: Io, { id, traceDir }: SessionEntry): Promise<Disobeyed[]> {
  const reader = new EvidenceReader(id, traceDir, io.env);
  const all: Disobeyed[] = [];
  for (;;) {
    const { found, more } = reader.read(STEP_BYTES);
    all.push(...found);
    if (!more) return all;
    await breathe(io);
  }
}

/** The policies of the sessions, each read once. */
class Policies {
  readonly files = new Set<string>();
  readonly names = new Set<string>();
  private readonly read = new Map<string, Rule[]>();
  private readonly io: Io;
  private readonly given: string | undefined;
  private readonly here: string;

  constructor(io: Io, given: string | undefined) {
    this.io = io;
    this.given = given === undefined ? undefined : resolve(io.cwd, given);
    this.here = projectOf(io);
    // A mistake is told before anything is read.
    if (this.given !== undefined) this.rules(this.given, this.here);
  }

  placeOf({ traceDir, id }: SessionEntry, cwd: string): AuditPlace {
    return auditPlace({ traceDir, id, cwd }, this.here, this.given, this.io.env);
  }

  rulesOf({ policies }: AuditPlace): Rule[] {
    return policies.flatMap(({ path, root }) => this.rules(path, root));
  }

  private rules(path: string, root: string): Rule[] {
    const key = `${path}\0${root}`;
    const known = this.read.get(key);
    if (known !== undefined) return known;
    const { rules, problems } = policyRules(path, root);
    if (problems.length > 0) throw this.unusable(path, problems);
    this.read.set(key, rules);
    this.files.add(path);
    for (const { name } of rules) this.names.add(`${path}\0${name}`);
    return rules;
  }

  /** Half a policy would find half of what breaks it. */
  private unusable(path: string, problems: readonly RuleProblem[]): CliError {
    const lines = problems.map((problem) => problemLine(problem, this.shown));
    return new CliError(
      `The policy ${sanitizeLine(this.shown(path))} cannot be used`,
      EXIT.usage,
      lines.join('\n'),
    );
  }

  shown = (path: string): string =>
    isBelow(path, this.io.cwd) ? relative(this.io.cwd, path) : homely(path);
}

/** One session after the other, as it is done. */
class Printed {
  private readonly io: Io;
  private readonly options: AuditCommandOptions;
  private readonly policies: Policies;
  private readonly done: AuditCounts[] = [];

  constructor(io: Io, options: AuditCommandOptions, policies: Policies) {
    this.io = io;
    this.options = options;
    this.policies = policies;
  }

  async start(): Promise<void> {
    if (this.options.json === true) await print(this.io, '{"sessions": [');
  }

  async session(found: SessionAudit): Promise<void> {
    const { io, options } = this;
    const { shown } = this.policies;
    const first = this.done.length === 0;
    this.done.push(auditCounts(found));
    if (options.json === true)
      await print(io, `${first ? '\n' : ',\n'}${safeJson(auditJson(found), 2)}`);
    else if (options.markdown === true)
      await print(io, `${first ? '' : '\n'}${auditMarkdown(found, { shown })}`);
    else if (options.all !== true || !isQuiet(found)) {
      const text = auditText(found, { shown, style: styleFor(io, io.stdout), width: widthOf(io) });
      await print(io, `${text}\n`);
    }
  }

  /** @returns whether nothing broke the policy */
  async end(): Promise<boolean> {
    const { io, options, policies } = this;
    const policy: AuditPolicy = {
      files: [...policies.files].map((path) => sanitizeLine(policies.shown(path))),
      rules: policies.names.size,
    };
    const { text, ok } = auditSummary(this.done, policy);
    if (options.json === true) {
      const files = safeJson([...policies.files]);
      await print(io, `\n], "policy": ${files}, "rules": ${policy.rules}, "ok": ${ok}}\n`);
    } else if (options.markdown !== true) {
      const style = styleFor(io, io.stdout);
      await printFacts(io, text, ok ? style.green : style.red);
    }
    return ok;
  }
}

/** With --all, sessions of which there is nothing to say are not shown. */
const isQuiet = ({ violations, unclear, sensitive, denied, ran }: SessionAudit): boolean =>
  [violations, unclear, sensitive, denied, ran].every((list) => list.length === 0);
