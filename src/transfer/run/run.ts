/** What every verb is given, and what it tells while it runs. */
import { SallyportError } from '../../errors/index.ts'
export { timeText } from '../../codec/index.ts'

/** Told while a verb runs; nothing here decides anything. */
export type RunEvent =
  /** A step begins. */
  | { type: 'phase'; phase: string }
  /** What the present step will move. */
  | { type: 'total'; bytes: number; blobs: number }
  /** Bytes moved since the last such event, or that need not be moved (`kept`); negative when work is thrown away. */
  | { type: 'bytes'; count: number; kept?: boolean }
  | { type: 'blob' }
  /** Something a person should know, which does not stop the run. */
  | { type: 'note'; text: string }

export interface RunOptions {
  /** Read once per run by the caller; the default is the time of the call. */
  now?: Date | undefined
  signal?: AbortSignal | undefined
  onEvent?: ((event: RunEvent) => void) | undefined
}

export function tell(options: RunOptions, event: RunEvent): void {
  options.onEvent?.(event)
}

/** Throws INTERRUPTED once the run was asked to stop. */
export function checkInterrupted({ signal }: RunOptions): void {
  if (signal?.aborted === true) throw new SallyportError('INTERRUPTED', { side: 'state' })
}

const following = new WeakMap<AbortSignal, AbortSignal>()

/** A signal that follows the run's, and whose reason is INTERRUPTED: whatever it ends, wherever that goes on, rejects with that. */
export function interruption(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined) return undefined
  const known = following.get(signal)
  if (known !== undefined) return known
  const stop = new AbortController()
  const abort = (): void => stop.abort(new SallyportError('INTERRUPTED', { side: 'state', cause: signal.reason }))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  following.set(signal, stop.signal)
  return stop.signal
}

/** The one time of a run. */
export function nowOf({ now }: RunOptions): Date {
  return now ?? new Date()
}

export function addDays(time: Date, days: number): Date {
  return new Date(time.getTime() + days * 86_400_000)
}

/** What the version of this program is; named in bundles. */
export const EXPORTER = { name: 'sallyport', version: '0.1.0' } as const
