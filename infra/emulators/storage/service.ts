import type { Catalogue } from './catalogue.ts';
import type { ContentStore } from './content-store.ts';
import type { Call, Reply } from './http.ts';
import type { ObjectRecord } from './records.ts';
import type { Rewrites } from './rewrite.ts';
import type { UploadSessions } from './upload-sessions.ts';

/** What handlers work on. */
export interface Service {
  readonly baseUrl: string;
  readonly catalogue: Catalogue;
  readonly content: ContentStore;
  readonly sessions: UploadSessions;
  readonly rewrites: Rewrites;
  /** Raises the event of a new generation. */
  readonly finalized: (record: ObjectRecord) => void;
}

/** The names in a request's path, decoded. */
export interface Names {
  readonly bucket: string;
  readonly object: string;
  readonly destinationBucket: string;
  readonly destinationObject: string;
}

export type Handler = (service: Service, call: Call, names: Names) => Promise<Reply> | Reply;
