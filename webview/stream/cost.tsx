import { useEffect, useRef, useState } from 'preact/hooks';
import {
  formatCount,
  formatDay,
  formatRate,
  formatUsd,
  MISSING,
  plural,
} from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { StreamHeader } from '../../src/protocol/stream.ts';
import { Icon } from '../shared/icons.tsx';
import type { StreamApp } from './app.ts';

/** The big number; hover or focus shows how it came about, a click keeps that in place. */
export function Cost({ app, header }: { app: StreamApp; header: StreamHeader }) {
  const [peek, setPeek] = useState(false);
  const root = useRef<HTMLElement>(null);
  const { cost } = header;
  const onlyEstimate = cost.nanoUsd === 0 && cost.estimatedNanoUsd > 0;
  const onlyUnpriced = cost.nanoUsd === 0 && !onlyEstimate && cost.unpriced > 0;
  const open = app.pinned || peek;

  useEffect(() => {
    if (!open) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      event.preventDefault();
      setPeek(false);
      if (app.pinned) app.setPinned(false);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [app, open]);

  return (
    <section
      class={`cost ${app.pinned ? 'pinned' : ''}`}
      ref={root}
      aria-label="Cost"
      onPointerEnter={() => setPeek(true)}
      onPointerLeave={() => setPeek(false)}
      onFocusIn={(event) => {
        if (event.target instanceof HTMLElement && event.target.matches(':focus-visible')) {
          setPeek(true);
        }
      }}
      onFocusOut={() => setPeek(false)}
    >
      <button
        type="button"
        class="cost-line"
        aria-expanded={open}
        aria-controls={open ? 'reconciliation' : undefined}
        title={app.pinned ? 'Unpin the details (Esc)' : 'Pin the details'}
        onClick={() => app.setPinned(!app.pinned)}
      >
        <span class={`big ${cost.unknown && !onlyEstimate ? 'dim' : ''}`}>
          {onlyUnpriced
            ? 'unpriced'
            : cost.unknown && !onlyEstimate
              ? MISSING
              : formatUsd(onlyEstimate ? cost.estimatedNanoUsd : cost.nanoUsd, {
                  estimate: onlyEstimate,
                })}
        </span>
        {cost.rateNanoUsd !== undefined && (
          <span class="rate">{formatRate(cost.rateNanoUsd, { estimate: onlyEstimate })}</span>
        )}
        <span class="tags">
          {cost.unpriced > 0 && (
            <span class="tag amber">
              <Icon name="warning" />
              {formatCount(cost.unpriced)} unpriced
            </span>
          )}
          {cost.estimatedNanoUsd > 0 && (
            <span class="tag">
              {onlyEstimate
                ? '~ estimated'
                : `+ ${formatUsd(cost.estimatedNanoUsd, { estimate: true })}`}
            </span>
          )}
          {cost.estimatedNanoUsd === 0 && cost.unpriced === 0 && cost.priced > 0 && (
            <span class="tag green">
              <Icon name="check" />
              billed
            </span>
          )}
        </span>
      </button>
      {open && <Reconciliation header={header} />}
    </section>
  );
}

function Reconciliation({ header: { cost } }: { header: StreamHeader }) {
  const onlyEstimate = cost.priced === 0 && cost.estimated > 0;
  return (
    <div id="reconciliation" class="reconciliation">
      <table class="figures">
        <colgroup>
          <col />
          <col class="responses" />
          <col class="sum" />
        </colgroup>
        <thead class="sr-only">
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Responses</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {cost.models.map((model) => (
            <tr key={model.model}>
              <th scope="row" title={visibleText(model.model)}>
                {visibleText(model.model)}
              </th>
              <td class="responses">{formatCount(model.responses)}</td>
              <td>
                {model.nanoUsd === undefined ? (
                  <span class="amber">unpriced</span>
                ) : (
                  formatUsd(model.nanoUsd, { estimate: onlyEstimate })
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="sums">
        <span title={`${plural(cost.priced, 'response')} with a known price`}>
          priced {formatCount(cost.priced)}
        </span>
        {' · '}
        <span title="Records of the same response, counted once">
          dedup {formatCount(cost.deduplicated)}
        </span>
        {' · '}
        <span title="Responses without usage records, estimated">
          est {formatCount(cost.estimated)}
        </span>
        {' · '}
        <span title="Responses of models without a price" class={cost.unpriced > 0 ? 'amber' : ''}>
          unpriced {formatCount(cost.unpriced)}
        </span>
      </p>
      {cost.unpricedModels.map((model) => (
        <p key={model} class="amber">
          No price known for <code>{visibleText(model)}</code>.
        </p>
      ))}
      <p class="source">
        {onlyEstimate
          ? 'Cost is an estimate: this agent wrote no usage records.'
          : 'From the agent’s own usage records.'}
        {cost.priceDate && ` Prices of ${formatDay(cost.priceDate)}.`}
      </p>
    </div>
  );
}
