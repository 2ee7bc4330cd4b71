import { formatCount } from '../../src/model/format.ts';
import { Icon, type IconName } from './icons.tsx';

/**
 * A toggle that filters a list.
 *
 * @param name what it shows; said in words where there is an icon instead
 * @param count absent: not said
 */
export function Chip({
  name,
  count,
  icon,
  pressed,
  onClick,
}: {
  name: string;
  count?: number | undefined;
  icon?: IconName | undefined;
  pressed: boolean;
  onClick(): void;
}) {
  const number = count === undefined ? '' : formatCount(count);
  return (
    <button
      type="button"
      class="chip"
      aria-pressed={pressed}
      aria-label={icon ? `${name} ${number}`.trim() : undefined}
      title={icon ? name : undefined}
      onClick={onClick}
    >
      {icon ? <Icon name={icon} /> : name} {number && <span>{number}</span>}
    </button>
  );
}
