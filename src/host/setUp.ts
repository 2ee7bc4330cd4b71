import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { AGENT_IDS } from '../agents/agent.ts';
import { lookAtAgents } from '../agents/installed.ts';
import { type InstallOptions, renewLauncher } from '../agents/launcher.ts';
import { applySetup } from '../agents/registry.ts';
import type { SetupPlan } from '../agents/setup/plan.ts';
import { nextSteps, planSetupIn, type SharedPlan, sharePlans } from '../agents/setupPlace.ts';
import { readChoices, writeChoices } from '../guard/guardHome.ts';
import {
  agentsOfEditor,
  listed,
  namesOf,
  pickFolder,
  pickGuard,
  pickNew,
  pickRecorded,
  shownPath,
} from './setUpPicks.ts';

export const SETUP_SCHEME = 'agent-strace-setup';

const run = promisify(execFile);

/** Set-up and removal: shows what would change, asks, does it, and says what to do next. */
export class SetUp implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly context: vscode.ExtensionContext;
  private readonly log: vscode.LogOutputChannel;
  private readonly registration: vscode.Disposable;
  private texts: Record<string, string> = {};
  private count = 0;

  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel) {
    this.context = context;
    this.log = log;
    this.registration = vscode.workspace.registerTextDocumentContentProvider(SETUP_SCHEME, this);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts[uri.toString()] ?? '';
  }

  /** @param remove take our entries out instead */
  async run(remove: boolean): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      const manage = vscode.l10n.t('Manage Trust');
      const chosen = await vscode.window.showWarningMessage(
        vscode.l10n.t(
          'This folder is in restricted mode: Agent Strace only shows traces here. Trust the folder to change its recording.',
        ),
        manage,
      );
      if (chosen === manage) await vscode.commands.executeCommand('workbench.trust.manage');
      return;
    }
    const folder = await pickFolder();
    if (!folder) return;
    const { fsPath } = folder.uri;
    const { fail } = readChoices();
    const states = lookAtAgents(fsPath, {
      // What is taken out does not depend on a version: nobody need wait for it.
      known: remove ? NOBODY : agentsOfEditor(),
      note: (message) => this.log.debug(message),
      fail,
    });
    const wishes = remove ? await pickRecorded(states) : await pickNew(states, fsPath);
    if (wishes === undefined) return;
    const safe = remove ? 'keep' : await pickGuard(wishes.map(({ agent }) => agent));
    if (safe === undefined) return;
    const shared = sharePlans(
      wishes.map(({ agent, scope, says }) =>
        planSetupIn(agent, fsPath, { scope, remove, agentVersion: says, fail }),
      ),
    );
    for (const { plan } of shared) {
      for (const { severity, message } of plan.problems) this.log[severityLevel(severity)](message);
    }
    const plans = shared.filter(({ plan }) => errorOf(plan) === undefined);
    // Nobody need close one before the others go on.
    for (const { plan } of shared) {
      const error = errorOf(plan);
      if (error !== undefined) void vscode.window.showErrorMessage(error);
    }
    const changing = plans.filter(({ plan }) => plan.changed);
    if (plans.length === 0) return;
    if (changing.length === 0) await this.nothingToDo(plans, remove, safe);
    else if (await this.confirm(changing, remove)) await this.apply(plans, remove, safe);
  }

  private async nothingToDo(
    plans: readonly SharedPlan[],
    remove: boolean,
    safe: SafeChoice,
  ): Promise<void> {
    const files = listed(plans.map(({ plan }) => shownPath(plan.coveredBy ?? plan.file)));
    if (remove) {
      await vscode.window.showInformationMessage(
        vscode.l10n.t('Recording is not set up in {0}.', files),
      );
      return;
    }
    // The recorder itself may be of an older version, or gone.
    if ((await this.applyQuietly(plans)).length === 0) return;
    this.keepGuard(safe);
    await this.say(
      [vscode.l10n.t('Recording is set up already, in {0}.', files), guardSentence()]
        .join(' ')
        .trim(),
    );
  }

  private async confirm(plans: readonly SharedPlan[], remove: boolean): Promise<boolean> {
    const close = await this.showDiff(
      plans.map(({ plan }) => plan),
      remove,
    );
    const action = remove ? vscode.l10n.t('Remove Recording') : vscode.l10n.t('Set Up Recording');
    const files = listed(plans.map(({ plan }) => shownPath(plan.file)));
    const warnings = plans.flatMap(({ agents, plan }) =>
      plan.problems.map(({ message }) =>
        plans.length > 1 ? sentence(`${namesOf(agents)}: ${message}`) : sentence(message),
      ),
    );
    const detail = [
      remove
        ? vscode.l10n.t('The diff shows what is taken out of {0}. Traces stay.', files)
        : vscode.l10n.t(
            'The diff shows what is added to {0}: a hook that writes what the agent does to .agent-traces in this folder. Secrets are taken out before anything is written, and nothing leaves this machine.',
            files,
          ),
      ...warnings,
    ].join('\n\n');
    const names = namesOf(plans.flatMap(({ agents }) => agents));
    const question = remove
      ? vscode.l10n.t('Stop recording {0}?', names)
      : vscode.l10n.t('Record {0}?', names);
    const chosen = await vscode.window.showInformationMessage(
      question,
      { modal: true, detail },
      action,
    );
    await close();
    return chosen === action;
  }

  /** @returns how to close it again */
  private async showDiff(
    plans: readonly SetupPlan[],
    remove: boolean,
  ): Promise<() => Promise<void>> {
    this.count++;
    this.texts = {};
    const side = (plan: SetupPlan, name: string, text: string | undefined): vscode.Uri => {
      const query = `${name}-${this.count}`;
      const { path } = vscode.Uri.file(plan.file);
      const uri = vscode.Uri.from({ scheme: SETUP_SCHEME, path, query });
      this.texts[uri.toString()] = text ?? '';
      return uri;
    };
    const pairs: [file: vscode.Uri, before: vscode.Uri, after: vscode.Uri][] = plans.map((plan) => [
      vscode.Uri.file(plan.file),
      side(plan, 'before', plan.before),
      side(plan, 'after', plan.after),
    ]);
    // Settings may hold comments; plain JSON would underline them.
    for (const uri of pairs.flatMap(([, before, after]) => [before, after])) {
      const document = await vscode.workspace.openTextDocument(uri);
      if (document.languageId === 'json')
        await vscode.languages.setTextDocumentLanguage(document, 'jsonc');
    }
    const [[first, before, after]] = pairs as [(typeof pairs)[0]];
    const what =
      plans.length > 1
        ? vscode.l10n.t('Settings of {0} agents', plans.length)
        : shownPath(first.fsPath);
    const title = remove
      ? vscode.l10n.t('{0}: without recording', what)
      : vscode.l10n.t('{0}: with recording', what);
    if (plans.length > 1) await vscode.commands.executeCommand('vscode.changes', title, pairs);
    else
      await vscode.commands.executeCommand('vscode.diff', before, after, title, { preview: true });
    return async () => {
      const tabs = vscode.window.tabGroups.all
        .flatMap((group) => group.tabs)
        .filter(({ input, label }) =>
          input instanceof vscode.TabInputTextDiff
            ? input.modified.toString() === after.toString()
            : // The editor adds how many files there are.
              plans.length > 1 && label.startsWith(title),
        );
      await vscode.window.tabGroups.close(tabs);
    };
  }

  private async apply(
    plans: readonly SharedPlan[],
    remove: boolean,
    safe: SafeChoice,
  ): Promise<void> {
    const done = await this.applyQuietly(plans);
    if (done.length === 0) return;
    const files = listed(done.map(({ plan }) => shownPath(plan.file)));
    this.log.info(`${remove ? 'recording removed from' : 'recording set up in'} ${files}`);
    if (remove) {
      const removed = vscode.l10n.t('Recording is removed from {0}.', files);
      await this.say(
        readChoices().safe
          ? `${removed} ${vscode.l10n.t('Without its hooks the guard stops nothing there.')}`
          : removed,
      );
      return;
    }
    this.keepGuard(safe);
    const steps = done.filter(({ plan }) => plan.changed).flatMap(nextSteps);
    const names = namesOf(done.flatMap(({ agents }) => agents));
    const message = vscode.l10n.t(
      'Recording is set up. Sessions of {0} in this folder show up here from now on.',
      names,
    );
    await this.say(
      [message, guardSentence(), ...steps].filter((part) => part !== '').join(' '),
      steps.some((step) => step.includes('/hooks')),
    );
  }

  private keepGuard(safe: SafeChoice): void {
    if (safe === 'keep') return;
    try {
      writeChoices({ safe });
      this.log.info(`safe set ${safe ? 'on' : 'off'}`);
    } catch (error) {
      this.log.error(error as Error);
      void vscode.window.showErrorMessage(
        vscode.l10n.t('The guard cannot be switched: {0}', (error as Error).message),
      );
    }
  }

  /** After an update of the extension: the recorder that was set up becomes the new one. */
  async renew(): Promise<void> {
    try {
      // The Node that set-up found stays.
      const { version } = this.install;
      if (await renewLauncher(this.install)) this.log.info(`recorder renewed to ${version}`);
    } catch (error) {
      this.log.warn(`the recorder could not be renewed: ${(error as Error).message}`);
    }
  }

  private get install(): InstallOptions {
    const { extensionUri, extension } = this.context;
    return {
      hookBundle: vscode.Uri.joinPath(extensionUri, 'dist', 'hook.js').fsPath,
      version: String((extension.packageJSON as { version: unknown }).version),
      electronPath: process.execPath,
    };
  }

  /** @returns what was carried out; of the rest a message has been shown */
  private async applyQuietly(plans: readonly SharedPlan[]): Promise<SharedPlan[]> {
    const install = { ...this.install, nodePath: await findNode() };
    return plans.filter(({ plan }) => {
      try {
        applySetup(plan, install);
        return true;
      } catch (error) {
        this.log.error(error as Error);
        void vscode.window.showErrorMessage((error as Error).message);
        return false;
      }
    });
  }

  /** @param hooks the person is to type `/hooks` */
  private async say(message: string, hooks = false): Promise<void> {
    const show = vscode.l10n.t('Show Event Stream');
    const copy = vscode.l10n.t('Copy /hooks');
    const buttons = hooks ? [copy, show] : [show];
    const chosen = await vscode.window.showInformationMessage(message, ...buttons);
    if (chosen === copy) await vscode.env.clipboard.writeText('/hooks');
    if (chosen === show) await vscode.commands.executeCommand('agentStrace.openStream');
  }

  dispose(): void {
    this.registration.dispose();
  }
}

/** `keep`: the person was not asked. */
type SafeChoice = boolean | 'keep';

const guardSentence = (): string =>
  readChoices().safe ? vscode.l10n.t('The safe set stops the worst before it happens.') : '';

const NOBODY = Object.fromEntries(AGENT_IDS.map((agent) => [agent, undefined]));

const severityLevel = (severity: 'error' | 'warning'): 'error' | 'warn' =>
  severity === 'error' ? 'error' : 'warn';

const errorOf = (plan: SetupPlan): string | undefined =>
  plan.problems.find(({ severity }) => severity === 'error')?.message;

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** A Node that stays where it is when the editor is updated; undefined where there is none. */
async function findNode(): Promise<string | undefined> {
  try {
    const { stdout } = await run(
      'node',
      ['-p', 'process.execPath + "\\n" + process.versions.node'],
      {
        timeout: 5000,
      },
    );
    const [path = '', version = ''] = stdout.trim().split('\n');
    if (Number.parseInt(version, 10) >= 20) return path;
  } catch {
    // The launcher looks again each time.
  }
  return process.versions.electron === undefined ? process.execPath : undefined;
}
