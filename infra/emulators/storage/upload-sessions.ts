import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ContentStore, ContentWriter } from './content-store.ts';
import { DocumentFolder } from './record-files.ts';
import type { ObjectRecord } from './records.ts';
import type { UploadPlan } from './uploads.ts';

/** Bytes are kept in multiples of this until an upload ends. */
export const QUANTUM_BYTES = 256 * 1024;

/** Ended sessions that are remembered; Google remembers them for a week. */
const MAX_ENDED = 1000;

/** Where an upload stands: receiving until it is done or cancelled, and both are for ever. */
export type UploadState =
  | { readonly kind: 'receiving'; readonly writer: ContentWriter; readonly total: number | undefined }
  | { readonly kind: 'done'; readonly record: ObjectRecord }
  | { readonly kind: 'cancelled' };

export interface UploadSession {
  readonly id: string;
  readonly plan: UploadPlan;
  state: UploadState;
  /** The request at work on it: a newer one cuts its connection and waits for it to end. */
  active: { readonly drop: () => void; readonly ended: Promise<void> } | undefined;
}

type SessionDocument = { readonly id: string; readonly plan: UploadPlan } & (
  | { readonly kind: 'receiving'; readonly contentId: string; readonly total?: number | undefined }
  | { readonly kind: 'done'; readonly record: ObjectRecord }
  | { readonly kind: 'cancelled' }
);

/** Resumable uploads by id; with a folder they outlive the process. */
export class UploadSessions {
  readonly #content: ContentStore;
  readonly #documents: DocumentFolder<SessionDocument> | undefined;
  readonly #sessions = new Map<string, UploadSession>();

  constructor(content: ContentStore, folder?: string) {
    this.#content = content;
    this.#documents = folder === undefined ? undefined : new DocumentFolder(join(folder, 'sessions'));
  }

  /** Content ids of uploads that an earlier process was receiving. */
  unfinished(): string[] {
    const documents = this.#documents?.load() ?? [];
    return documents.flatMap((document) => (document.kind === 'receiving' ? [document.contentId] : []));
  }

  /** Takes up what an earlier process left. */
  async restore(): Promise<void> {
    for (const document of this.#documents?.load() ?? []) {
      const { id, plan } = document;
      const state = await this.#restoreState(document);
      this.#sessions.set(id, { id, plan, state, active: undefined });
    }
  }

  start(plan: UploadPlan, total: number | undefined): UploadSession {
    const state = { kind: 'receiving', writer: this.#content.create(), total } as const;
    const session: UploadSession = { id: randomUUID(), plan, state, active: undefined };
    this.#sessions.set(session.id, session);
    this.#save(session);
    return session;
  }

  get(id: string): UploadSession | undefined {
    return this.#sessions.get(id);
  }

  change(session: UploadSession, state: UploadState): void {
    session.state = state;
    this.#save(session);
    const ended = [...this.#sessions.values()].filter((each) => each.state.kind !== 'receiving');
    for (const { id } of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) this.remove(id);
  }

  remove(id: string): void {
    this.#sessions.delete(id);
    this.#documents?.remove(id);
  }

  #save({ id, plan, state }: UploadSession): void {
    const { writer, ...rest } = state.kind === 'receiving' ? state : { ...state, writer: undefined };
    const document = { id, plan, ...rest, ...(writer === undefined ? {} : { contentId: writer.contentId }) };
    this.#documents?.write(id, document as SessionDocument);
  }

  async #restoreState(document: SessionDocument): Promise<UploadState> {
    if (document.kind !== 'receiving') return document;
    const writer = (await this.#content.resume(document.contentId, QUANTUM_BYTES)) ?? this.#content.create();
    return { kind: 'receiving', writer, total: document.total };
  }
}
