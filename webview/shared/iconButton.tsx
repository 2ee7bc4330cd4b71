import { Icon, type IconName } from './icons.tsx';

/** A button that is a sign alone. */
export function IconButton({
  icon,
  label,
  hint,
  pressed,
  onClick,
}: {
  icon: IconName;
  label: string;
  /** The key that does the same. */
  hint?: string;
  pressed?: boolean;
  onClick(): void;
}) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      aria-pressed={pressed}
      title={hint ? `${label} (${hint})` : label}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
