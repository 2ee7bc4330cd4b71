/** What stands above a page while it reads, and where something went wrong. */
import { formatCount } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import { IconButton } from './iconButton.tsx';
import { Icon } from './icons.tsx';
import { refocus } from './refocus.ts';

/** Reading that takes longer says how far it is, ms. */
const PROGRESS_TEXT_MS = 400;

export interface Reading {
  readEvents: number;
  readBytes: number;
  totalBytes: number;
}

/** How much is read, 0 to 1. */
const shareRead = ({ readBytes, totalBytes }: Reading): number =>
  totalBytes > 0 ? Math.min(1, readBytes / totalBytes) : 0;

/** Whether reading that began then, ms of `performance.now()`, takes so long that it says how far it is. */
export const readsLong = (sinceMs: number): boolean =>
  performance.now() - sinceMs > PROGRESS_TEXT_MS;

/** `Reading 12,000 of ~48,000 events` */
export function readingWords(progress: Reading): string {
  const share = shareRead(progress);
  const total = share > 0 ? ` of ~${formatCount(progress.readEvents / share)}` : '';
  return `Reading ${formatCount(progress.readEvents)}${total} events`;
}

/** @param words say how far it is, where that is not said elsewhere */
export function ProgressBar({
  progress,
  label,
  words,
}: {
  progress: Reading | undefined;
  label: string;
  words?: boolean;
}) {
  if (!progress) return null;
  const share = shareRead(progress);
  return (
    <div class="progress">
      <div
        class="progress-bar"
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
      >
        <div style={{ width: `${share * 100}%` }} />
      </div>
      {words && <span class="progress-text">{readingWords(progress)}</span>}
    </div>
  );
}

export interface PageError<Command> {
  message: string;
  detail?: string;
  action?: { command: Command; title: string };
}

export function ErrorBar<Command>({
  error,
  onAction,
  onDismiss,
}: {
  error: PageError<Command> | undefined;
  onAction?(command: Command): void;
  onDismiss(): void;
}) {
  if (!error) return null;
  const { action } = error;
  return (
    <div class="error-bar" role="alert">
      <Icon name="error" />
      <span class="cut" title={visibleText(error.detail ?? error.message)}>
        {visibleText(error.message)}
      </span>
      {action && (
        <button type="button" class="link" onClick={() => onAction?.(action.command)}>
          {visibleText(action.title)}
        </button>
      )}
      <IconButton
        icon="close"
        label="Dismiss"
        onClick={() => {
          onDismiss();
          refocus('main :is(button, [tabindex="0"])');
        }}
      />
    </div>
  );
}
