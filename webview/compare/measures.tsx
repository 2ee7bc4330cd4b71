import { compareWords, type Measure } from '../../src/protocol/compare.ts';

/** Eight numbers of both sides, and B against A. */
export function Measures({ measures }: { measures: readonly Measure[] }) {
  return (
    <ul class="measures" aria-label="Measures, B against A">
      {measures.map((measure) => {
        const { name, verdict } = measure;
        const difference = compareWords.difference(measure);
        return (
          <li key={name} title={compareWords.hints[name]}>
            <div class="measure-head">
              <span class="cut">{compareWords.labels[name]}</span>
              {difference !== '' && (
                <span class={`difference ${verdict}`}>
                  {difference}
                  {verdict !== 'none' && <span class="sr-only"> {verdict}</span>}
                </span>
              )}
            </div>
            <Value measure={measure} side="a" />
            <Value measure={measure} side="b" />
          </li>
        );
      })}
    </ul>
  );
}

function Value({ measure, side }: { measure: Measure; side: 'a' | 'b' }) {
  const text = compareWords.value(measure, side);
  const dim = measure[side] === undefined || text === '0' || text === '$0.00';
  return (
    <div class="measure-value">
      <span>{side.toUpperCase()}</span>
      <b class={dim ? 'dim' : ''}>{text}</b>
    </div>
  );
}
