/** A notification of the system's own, for when the editor is not in front. No `vscode` in here. */
import { execFile } from 'node:child_process';
import { visibleText } from '../../model/visibleText.ts';

export interface DesktopCommand {
  file: string;
  args: string[];
  env?: Record<string, string>;
}

/** Texts are arguments or variables, never part of a script. */
export function desktopCommand(
  title: string,
  text: string,
  platform: NodeJS.Platform = process.platform,
): DesktopCommand | undefined {
  const [head, body] = [visibleText(title), visibleText(text)];
  switch (platform) {
    case 'linux':
      // The body may be markup there.
      return {
        file: 'notify-send',
        args: ['--app-name=Agent Strace', '--urgency=critical', '--', head, asMarkup(body)],
      };
    case 'darwin':
      return {
        file: '/usr/bin/osascript',
        args: [
          ...['-e', 'on run argv'],
          ...['-e', 'display notification (item 2 of argv) with title (item 1 of argv)'],
          ...['-e', 'end run'],
          head,
          body,
        ],
      };
    case 'win32':
      return {
        file: 'powershell.exe',
        args: ['-NoProfile', '-NonInteractive', '-Command', TOAST],
        env: { AGENT_STRACE_TITLE: head, AGENT_STRACE_TEXT: body },
      };
    default:
      return undefined;
  }
}

const asMarkup = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const TOAST = [
  '[void][Windows.UI.Notifications.ToastNotificationManager,Windows.UI.Notifications,ContentType=WindowsRuntime]',
  '$toast=[Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent(1)',
  "$texts=$toast.GetElementsByTagName('text')",
  '$texts.Item(0).InnerText=$env:AGENT_STRACE_TITLE',
  '$texts.Item(1).InnerText=$env:AGENT_STRACE_TEXT',
  "[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier('Agent Strace').Show([Windows.UI.Notifications.ToastNotification]::new($toast))",
].join(';');

const TIMEOUT_MS = 10_000;

/** @returns undefined, or why it was not shown */
export async function showDesktop(title: string, text: string): Promise<string | undefined> {
  const command = desktopCommand(title, text);
  if (command === undefined) return `there are none on ${process.platform}`;
  const { file, args, env } = command;
  return await new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, windowsHide: true, env: { ...process.env, ...env } };
    execFile(file, args, options, (error) => {
      if (!error) resolve(undefined);
      else resolve(error.code === 'ENOENT' ? `${file} is not installed` : `${file} failed`);
    });
  });
}
