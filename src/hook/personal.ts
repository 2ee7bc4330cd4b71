/** The rules for personal data, as a bundle of its own: loaded where they are asked for. */
export { PERSONAL_RULES, personalByName } from '../redact/personalRules.ts';
