/** Ids that Copilot's tools have in two forms. */
import { asString } from '../rows.ts';

const MAX_ID = 300;

/** The id of a call. VS Code makes it unique with an ending that its transcript leaves out. */
export const callId = (value: unknown): string =>
  asString(value).split('__vscode-')[0]!.slice(0, MAX_ID);
