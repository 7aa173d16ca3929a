/** Writes a site's status for those who watch it: one JSON document, and one file of metrics. */
import { placeFile } from '../../content/index.ts'
import type { SallyportError } from '../../errors/index.ts'
import { statusMetrics } from './metrics.ts'
import type { SiteStatus } from './site.ts'
import type { WatchRun } from './watch-run.ts'

export interface StatusFiles {
  /** Where the JSON document goes. */
  status?: string | undefined
  /** Where the metrics go; node_exporter reads names that end with `.prom`. */
  textfile?: string | undefined
}

/** The document: the status, and what a watch over an inbox last did; null where nothing watches. */
export interface StatusDocument extends SiteStatus {
  watch: WatchRun | null
}

const ATTEMPTS = 5

// A timer's `status` and a watch may write one file at once: then one finds that the other has its scratch file.
function place(file: string, text: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      // For the eyes of whoever collects; nothing in it is secret.
      return placeFile(file, text, 0o644)
    } catch (error) {
      const { code } = ((error as SallyportError).cause ?? {}) as NodeJS.ErrnoException
      if ((code !== 'ENOENT' && code !== 'EEXIST') || attempt === ATTEMPTS) throw error
    }
  }
}

/** Replaces each file in one step. Throws DISK_FULL, OUTPUT_FAILED. */
export function writeStatus(status: SiteStatus, watch: WatchRun | null, files: StatusFiles): void {
  const document: StatusDocument = { ...status, watch }
  if (files.status !== undefined) place(files.status, JSON.stringify(document))
  if (files.textfile !== undefined) place(files.textfile, statusMetrics(status, watch))
}
