import type { TranscriptSource } from './agent.ts';

export const TRANSCRIPTS: readonly TranscriptSource[] = [];
