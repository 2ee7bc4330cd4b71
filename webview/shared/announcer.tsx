import { useEffect, useRef, useState } from 'preact/hooks';

/** Between two polite messages, ms. */
const POLITE_MS = 10_000;

/**
 * What a screen reader says by itself: `status` at most once in ten seconds and only the latest of what
 * came meanwhile, `alert` at once.
 */
export function Announcer({ status, alert }: { status: string; alert: string }) {
  const [spoken, setSpoken] = useState('');
  const latest = useRef('');
  const lastMs = useRef(Number.NEGATIVE_INFINITY);
  latest.current = status;
  useEffect(() => {
    if (status === spoken) return;
    const timer = setTimeout(
      () => {
        lastMs.current = performance.now();
        setSpoken(latest.current);
      },
      Math.max(0, lastMs.current + POLITE_MS - performance.now()),
    );
    return () => clearTimeout(timer);
  }, [status, spoken]);
  return (
    <>
      <div class="sr-only" role="status">
        {spoken}
      </div>
      <div class="sr-only" role="alert">
        {alert}
      </div>
    </>
  );
}
