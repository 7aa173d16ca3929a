/** Keeps plugins from running side by side when artifacts are judged so. */
import type { FindPlugin } from '../../trust/index.ts'

/** The same plugins, one program at a time: each may hold 64 MiB of answer, and a device one session. */
export function serialPlugins(find: FindPlugin): FindPlugin {
  let last: Promise<unknown> = Promise.resolve()
  const next = <T>(work: () => Promise<T>): Promise<T> => {
    const run = last.then(work)
    last = run.catch(() => undefined)
    return run
  }
  return (wanted) =>
    next(async () => {
      const plugin = await find(wanted)
      return plugin && { capabilities: plugin.capabilities, verify: (query) => next(() => plugin.verify(query)) }
    })
}
