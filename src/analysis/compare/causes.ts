import { formatCount, formatPercent, formatUsd, plural } from '../../model/format.ts';
import type { SideFacts } from './compareSessions.ts';
import { type AlignedSteps, LIKENESSES, type Likeness } from './comparison.ts';
import { STEP_CLASSES } from './stepKeys.ts';

/** Of the difference, what a cause must make up to be named. */
const LEAST_SHARE = 0.15;

interface Cause {
  nanoUsd: number;
  words: string;
}

/**
 * What the dearer of two runs spent its extra money on, in one sentence; empty where the traces do not tell.
 *
 * @param who its letter
 * @param extra nano-dollars between them
 */
export function costCause(
  who: 'A' | 'B',
  dear: SideFacts,
  cheap: SideFacts,
  extra: number,
  pairs: readonly [number, number, Likeness][],
  steps: AlignedSteps,
): string {
  const causes = [
    ...failedPhases(dear, cheap),
    ...retries(dear, cheap),
    ...reads(dear, cheap),
    ...breaks(dear, cheap),
    ...ownPhases(who, dear, pairs, steps),
  ].filter(({ nanoUsd }) => nanoUsd >= LEAST_SHARE * extra);
  const price = priceCause(dear, cheap, extra);
  if (price !== undefined && (causes[0] === undefined || price.nanoUsd > causes[0].nanoUsd)) {
    return `${who} ${price.words}.`;
  }
  causes.sort((x, y) => y.nanoUsd - x.nanoUsd);
  const named = causes.slice(0, 2);
  const said =
    named.length > 0 ? `${who} spent ${named.map(({ words }) => words).join(' and ')}.` : '';
  const told = named.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0);
  // Where that is not most of it, what is left is volume.
  return told >= extra / 2 ? said : [said, volume(who, dear, cheap)].filter(Boolean).join(' ');
}

const usd = (nanoUsd: number): string => formatUsd(nanoUsd);

function failedPhases(dear: SideFacts, cheap: SideFacts): Cause[] {
  const own = dear.waste.byKind.failedPhase;
  const more = own.nanoUsd - cheap.waste.byKind.failedPhase.nanoUsd;
  if (more <= 0) return [];
  const failed = dear.phases.flatMap((phase, at) =>
    phase.outcome === 'failed' ? [{ phase, name: dear.names[at] ?? '' }] : [],
  );
  const first = failed.toSorted((x, y) => y.phase.nanoUsd - x.phase.nanoUsd)[0];
  const which =
    own.count === 1 && first?.name
      ? `one failed phase: ${first.name}`
      : plural(own.count, 'failed phase');
  return [{ nanoUsd: more, words: `${usd(own.nanoUsd)} on ${which}` }];
}

function retries(dear: SideFacts, cheap: SideFacts): Cause[] {
  const own = dear.waste.byKind.retry;
  const more = own.nanoUsd - cheap.waste.byKind.retry.nanoUsd;
  return more > 0
    ? [{ nanoUsd: more, words: `${usd(own.nanoUsd)} on ${plural(own.count, 'retry', 'retries')}` }]
    : [];
}

function reads(dear: SideFacts, cheap: SideFacts): Cause[] {
  const own = dear.waste.byKind.redundantRead;
  const more = own.nanoUsd - cheap.waste.byKind.redundantRead.nanoUsd;
  return more > 0
    ? [
        {
          nanoUsd: more,
          words: `${usd(own.nanoUsd)} on reading ${plural(own.count, 'file')} again that had not changed`,
        },
      ]
    : [];
}

function breaks(dear: SideFacts, cheap: SideFacts): Cause[] {
  const own = dear.waste.byKind.cacheBreak;
  const more = own.nanoUsd - cheap.waste.byKind.cacheBreak.nanoUsd;
  return more > 0
    ? [
        {
          nanoUsd: more,
          words: `${usd(own.nanoUsd)} on prompt tokens that a warm cache would have held (lost ${plural(own.count, 'time')})`,
        },
      ]
    : [];
}

/** Phases that the other did not have, and that did not fail: those are told already. */
function ownPhases(
  who: 'A' | 'B',
  dear: SideFacts,
  pairs: readonly [number, number, Likeness][],
  steps: AlignedSteps,
): Cause[] {
  const paired = new Set(pairs.map(([a, b]) => (who === 'A' ? a : b)));
  const shared = sharedOf(dear, steps, who === 'A' ? 'a' : 'b');
  const own = dear.phases
    .map((phase, at) => ({ phase, name: dear.names[at] ?? '' }))
    .filter(
      ({ phase }, at) =>
        !paired.has(at) && shared[at]! < 0.5 && phase.outcome !== 'failed' && phase.nanoUsd > 0,
    )
    .toSorted((x, y) => y.phase.nanoUsd - x.phase.nanoUsd);
  const [first] = own;
  if (!first) return [];
  const sum = own.reduce((all, { phase }) => all + phase.nanoUsd, 0);
  const words =
    own.length === 1
      ? `${usd(sum)} on a phase that the other did without: ${first.name}`
      : `${usd(sum)} on ${plural(own.length, 'phase')} that the other did without, most of it on ${first.name}`;
  return [{ nanoUsd: sum, words }];
}

const ALIKE = new Set([LIKENESSES.indexOf('same'), LIKENESSES.indexOf('similar')]);

/** By phase: the share of its calls that the other made, too, in whichever phase. */
function sharedOf({ phases, keys }: SideFacts, steps: AlignedSteps, side: 'a' | 'b'): number[] {
  const word = STEP_CLASSES.indexOf('word');
  const all = phases.map(() => 0);
  const alike = phases.map(() => 0);
  let at = 0;
  for (let row = 0; row < steps.length; row++) {
    const step = steps[side][row]!;
    if (step < 0 || keys.group[step] === word) continue;
    while (at < phases.length && phases[at]!.lastStep < step) at++;
    if (at >= phases.length) break;
    all[at]!++;
    if (ALIKE.has(steps.like[row]!)) alike[at]!++;
  }
  return alike.map((count, phase) => (all[phase] === 0 ? 0 : count / all[phase]!));
}

/** The same tokens at another price. */
function priceCause(dear: SideFacts, cheap: SideFacts, extra: number): Cause | undefined {
  const [mine, theirs] = [rate(dear), rate(cheap)];
  const [model, other] = [mainModel(dear), mainModel(cheap)];
  if (mine === undefined || theirs === undefined || model === other) return undefined;
  const nanoUsd = (mine.perToken - theirs.perToken) * mine.tokens;
  if (nanoUsd < extra / 2) return undefined;
  const times = mine.perToken / theirs.perToken;
  return {
    nanoUsd,
    words: `paid ${times.toFixed(1)} times as much a token (${model || 'its model'} against ${other || 'the other'})`,
  };
}

function rate({ session, numbers }: SideFacts): { perToken: number; tokens: number } | undefined {
  const { tokens, cost } = numbers.values;
  if (!tokens || !cost || session.fold.cost.total.unpriced > 0) return undefined;
  return { perToken: cost / tokens, tokens };
}

const mainModel = ({ session }: SideFacts): string => session.fold.cost.perModel()[0]?.model ?? '';

function volume(who: 'A' | 'B', dear: SideFacts, cheap: SideFacts): string {
  const other = who === 'A' ? 'B' : 'A';
  const more = (dear.numbers.values.calls ?? 0) - (cheap.numbers.values.calls ?? 0);
  const [tokens, fewer] = [dear.numbers.values.tokens, cheap.numbers.values.tokens];
  const sent =
    tokens && fewer && tokens > fewer * 1.05
      ? `sent ${(tokens / fewer).toFixed(1)} times as many tokens as ${other}`
      : '';
  const called = more > 0 ? `made ${formatCount(more)} more ${more === 1 ? 'call' : 'calls'}` : '';
  const hits = [dear.numbers.values.cacheHits, cheap.numbers.values.cacheHits];
  const cache =
    hits[0] !== undefined && hits[1] !== undefined && hits[1] - hits[0] > 0.05
      ? `found ${formatPercent(hits[0])} of its prompts in the cache against ${formatPercent(hits[1])}`
      : '';
  const said = [sent, called, cache].filter(Boolean);
  const last = said.pop();
  if (last === undefined) return '';
  return `${who} ${said.length === 0 ? last : `${said.join(', ')} and ${last}`}.`;
}
