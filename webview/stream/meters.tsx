import { formatCountdown, formatTokens, formatUsd } from '../../src/model/format.ts';
import type { StreamHeader } from '../../src/protocol/stream.ts';
import { Meter } from '../shared/meter.tsx';

/** Below this the cache is about to go cold, ms. */
const CACHE_SOON_MS = 60_000;

/** Budget, context and cache: each only where there is something to say. */
export function Meters({ header, nowMs }: { header: StreamHeader; nowMs: number }) {
  const { budgetNanoUsd, context, cacheColdAtMs, cacheTtlMs } = header;
  const spent = header.cost.nanoUsd + header.cost.estimatedNanoUsd;
  const estimate = header.cost.estimatedNanoUsd > 0;
  const leftMs = cacheColdAtMs === undefined ? Number.NaN : cacheColdAtMs - nowMs;
  if (budgetNanoUsd === undefined && !context && cacheColdAtMs === undefined) return null;
  return (
    <section class="meters" aria-label="Limits">
      {budgetNanoUsd !== undefined && (
        <Meter
          label="Budget"
          text={`${formatUsd(spent, { estimate })} of ${formatUsd(budgetNanoUsd)}`}
          value={spent}
          max={budgetNanoUsd}
          tone={spent >= budgetNanoUsd ? 'red' : spent >= 0.8 * budgetNanoUsd ? 'amber' : 'blue'}
        >
          <b>{formatUsd(spent, { estimate })}</b> of {formatUsd(budgetNanoUsd)}
        </Meter>
      )}
      {context && (
        <Meter
          label="Context"
          text={
            context.window === undefined
              ? `${formatTokens(context.tokens)} tokens`
              : `${formatTokens(context.tokens)} of ${formatTokens(context.window)} tokens`
          }
          value={context.tokens}
          max={context.window}
          tick={
            context.compactAtTokens === undefined
              ? undefined
              : {
                  at: context.compactAtTokens,
                  label: `The agent compacts at ${formatTokens(context.compactAtTokens)}`,
                }
          }
          tone="blue"
        >
          <b>{formatTokens(context.tokens)}</b>
          {context.window === undefined ? ' tokens' : ` of ${formatTokens(context.window)}`}
        </Meter>
      )}
      {cacheColdAtMs !== undefined && (
        <Meter
          label="Cache"
          text={leftMs > 0 ? `cold in ${formatCountdown(leftMs)}` : 'cold'}
          value={Math.max(0, leftMs)}
          max={cacheTtlMs ?? 300_000}
          tone={leftMs <= 0 ? 'red' : leftMs < CACHE_SOON_MS ? 'amber' : 'green'}
        >
          {leftMs > 0 ? (
            <>
              cold in <b>{formatCountdown(leftMs)}</b>
            </>
          ) : (
            <b class="red">cold</b>
          )}
        </Meter>
      )}
    </section>
  );
}
