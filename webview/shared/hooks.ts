import { useCallback, useEffect, useReducer, useState } from 'preact/hooks';
import type { Painter } from './paint.ts';

/** @returns how to paint the component anew; it stays the same */
export function useRepaint(): () => void {
  const [, count] = useReducer((before: number, _: undefined) => before + 1, 0);
  return useCallback(() => count(undefined), []);
}

/** The component is painted anew whenever the painter paints. */
export function usePainter(painter: Painter): void {
  const repaint = useRepaint();
  useEffect(() => painter.subscribe(repaint), [painter, repaint]);
}

/** Whether a media query is met, now and as that changes. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const onChange = () => setMatches(list.matches);
    list.addEventListener('change', onChange);
    // It may have changed since it was asked: an editor that is shown gets its size in between.
    onChange();
    return () => list.removeEventListener('change', onChange);
  }, [query]);
  return matches;
}
