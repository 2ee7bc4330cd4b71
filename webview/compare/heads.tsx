import { formatMoment } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { ComparedSession, Comparison, Side } from '../../src/protocol/compare.ts';
import { IconButton } from '../shared/iconButton.tsx';
import { Icon } from '../shared/icons.tsx';
import type { CompareApp } from './app.ts';

/** Who A and B are. */
export function Heads({
  app,
  comparison,
  onHelp,
}: {
  app: CompareApp;
  comparison: Comparison;
  onHelp(): void;
}) {
  return (
    <header class="heads">
      <h1 class="sr-only">Comparison of two sessions</h1>
      <Head app={app} side="a" session={comparison.a} same={comparison.samePrompt} />
      <button
        type="button"
        class="button swap"
        aria-label="Swap A and B"
        title="Swap A and B (X)"
        onClick={() => app.swap()}
      >
        <Icon name="arrow-swap" />
      </button>
      <Head app={app} side="b" session={comparison.b} same={false} />
      <div class="tools">
        <IconButton
          icon="copy"
          label="Copy as Markdown"
          hint="C"
          onClick={() => app.post({ type: 'copy' })}
        />
        <IconButton icon="question" label="Keys" hint="?" onClick={onHelp} />
      </div>
    </header>
  );
}

export const Badge = ({ side }: { side: Side }) => (
  <span class={`badge badge-${side}`}>{side.toUpperCase()}</span>
);

function Head({
  app,
  side,
  session,
  same,
}: {
  app: CompareApp;
  side: Side;
  session: ComparedSession;
  same: boolean;
}) {
  const who = visibleText([session.agent, ...session.models].filter(Boolean).join(' · '));
  const title = visibleText(session.title) || 'Untitled session';
  const code = [session.branch, session.commit?.slice(0, 8)].filter(Boolean).join(' @ ');
  const facts = [
    session.startedAtMs > 0 ? formatMoment(session.startedAtMs) : '',
    same ? 'same prompt' : '',
    visibleText(code),
  ]
    .filter(Boolean)
    .join(' · ');
  return (
    <div class="head">
      <Badge side={side} />
      <div class="head-words">
        <h2 class="cut" title={who}>
          {who}
          {app.states[side].live && (
            <span class="tag green">
              <span class="live-dot" />
              live
            </span>
          )}
        </h2>
        <p class="about muted" title={`${title} · ${facts}`}>
          <span class="cut">{title}</span>
          <span class="cut facts">· {facts}</span>
        </p>
      </div>
    </div>
  );
}
