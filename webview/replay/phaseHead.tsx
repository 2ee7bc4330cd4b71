import { formatDuration, plural } from '../../src/model/format.ts';
import { knownCostText } from '../../src/model/knownCost.ts';
import { OUTCOME_WORDS } from '../../src/model/outcomeWords.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { PhaseView } from '../../src/protocol/replay.ts';
import { Icon, type IconName } from '../shared/icons.tsx';
import type { ReplayApp } from './app.ts';

const ICONS: Record<PhaseView['outcome'], IconName> = {
  ok: 'check',
  mixed: 'refresh',
  failed: 'close',
  running: 'pulse',
};

/** What stands over the steps of a phase: selects it, copies it, shows what it changed. */
export function PhaseHead({ app, index }: { app: ReplayApp; index: number }) {
  const phases = app.outline?.phases;
  const phase = phases?.[index];
  if (!phase) return null;
  // The only phase of its prompt is named by it, and that stands in the next row.
  const { promptNumber } = phase;
  const isPrompt =
    promptNumber > 0 &&
    phases[index - 1]?.promptNumber !== promptNumber &&
    phases[index + 1]?.promptNumber !== promptNumber;
  const { firstStep, lastStep, outcome, calls, errors, denied, edits } = phase;
  const icon = ICONS[outcome];
  const word = OUTCOME_WORDS[outcome];
  const name = visibleText(phase.name);
  const { timeline } = app;
  const { selection } = timeline;
  const selected = selection?.from === firstStep && selection.to === lastStep;
  const select = () => {
    const band = timeline.bands().find((one) => one.firstStep === firstStep);
    if (selected || !band) timeline.clearSelection();
    else timeline.selectBand(band);
    app.paintNow();
  };
  const counts = [
    calls > 0 ? plural(calls, 'call') : '',
    errors > 0 ? plural(errors, 'error') : '',
    denied > 0 ? `${denied} denied` : '',
  ].filter(Boolean);
  return (
    <div class={`phase outcome-${outcome} ${selected ? 'selected' : ''}`}>
      <button
        type="button"
        class="phase-name"
        aria-pressed={selected}
        title={`${name}: ${word}. Select it in the timeline`}
        onClick={select}
      >
        <Icon name={icon} />
        <span class="sr-only">Phase, {word}:</span>
        <span class="cut">
          {isPrompt ? phase.activity[0]!.toUpperCase() + phase.activity.slice(1) : name}
        </span>
        <span class="phase-counts cut">{counts.join(' · ')}</span>
      </button>
      <span class="phase-tools">
        {edits > 0 && (
          <button
            type="button"
            class="link"
            aria-label={`Open the changes of ${name}`}
            onClick={() => app.openChanges(firstStep, lastStep)}
          >
            Changes
          </button>
        )}
        <button
          type="button"
          class="icon-button"
          aria-label={`Copy ${name} as Markdown`}
          title="Copy as Markdown"
          onClick={() => app.copy('markdown', firstStep, lastStep)}
        >
          <Icon name="copy" />
        </button>
      </span>
      <span class="duration">{formatDuration(phase.endMs - phase.startMs)}</span>
      <span class="price">{phaseMoney(phase)}</span>
    </div>
  );
}

const phaseMoney = (phase: PhaseView) => {
  const text = knownCostText(phase);
  return phase.nanoUsd > 0 || phase.unpriced > 0 ? text : <span class="dim">{text}</span>;
};
