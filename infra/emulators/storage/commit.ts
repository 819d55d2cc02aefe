import type { ObjectDraft } from './catalogue.ts';
import { checkPreconditions } from './preconditions.ts';
import type { Preconditions } from './preconditions.ts';
import type { ObjectRecord } from './records.ts';
import type { Service } from './service.ts';

/** Makes finished content an object's next generation, if it still may be; otherwise the content is removed. */
export function commitObject(service: Service, draft: ObjectDraft, wanted: Preconditions): ObjectRecord {
  const { catalogue, content, finalized } = service;
  try {
    checkPreconditions(wanted, catalogue.live(draft.bucket, draft.name));
    const record = catalogue.put(draft);
    finalized(record);
    return record;
  } catch (error) {
    content.remove(draft.content.contentId, draft.content.size);
    throw error;
  }
}
