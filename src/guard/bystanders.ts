/**
 * Processes that were started from within an agent and bear its name ever since, but are the person's: what holds
 * terminals, and services that any program of the user starts when it is the first to need them.
 */
import type { ProcessEntry } from './processTable.ts';

/** They hold terminals for as long as the machine runs. */
const TERMINALS = /^(tmux(: server)?|screen|SCREEN|zellij|dtach|abduco|mosh-server|sshd.*|ttyd)$/;

/** Frozen, they hold up whoever asks them next; ended, they forget what was entrusted to them. */
const SERVICES =
  /^(gpg-agent|keyboxd|scdaemon|dirmngr|ssh-agent|gnome-keyring-d.*|kwalletd\d*|dbus-(daemon|broker.*|launch)|gvfsd.*|systemd|\(sd-pam\)|pipewire.*|wireplumber|pulseaudio|adb|watchman|sccache|dockerd.*|containerd.*|buildkitd|conmon|rootlesskit|ssh)$/;

/** Why a process that left the agent's tree is not the agent's; undefined: it is. */
export type BystanderWhy = 'terminal' | 'service';

/**
 * @param entry bears the session's name, but is no descendant of the agent
 * @param above what it runs in, nearest first
 * @param tty the agent's own terminal; empty: none
 */
export function bystander(
  entry: ProcessEntry,
  above: readonly ProcessEntry[],
  tty: string,
): BystanderWhy | undefined {
  if (SERVICES.test(entry.name)) return 'service';
  if (TERMINALS.test(entry.name)) return 'terminal';
  // Somebody sits at another terminal.
  if (entry.tty !== '' && entry.tty !== tty) return 'terminal';
  // All that lost its parent is the first process's child, or that of the user's systemd.
  const hosts = above.filter(({ pid, name }) => pid > 1 && name !== 'systemd');
  if (hosts.some(({ name }) => SERVICES.test(name))) return 'service';
  return hosts.some(({ name }) => TERMINALS.test(name)) ? 'terminal' : undefined;
}
