/** A registry that lives as long as the tests of a suite. */
import { needPeers, startRegistry, type Registry, type RegistryOptions } from './registry.ts'

/** Gives the registry of the suite in which it is called: started before its tests, stopped behind them. Without peers these are pending. */
export function suiteRegistry(options: RegistryOptions): () => Registry {
  let registry: Registry | undefined
  before(async function () {
    needPeers(this)
    registry = await startRegistry(options)
  })
  after(() => registry?.stop())
  return () => {
    if (registry === undefined) throw new Error('it is asked for outside of a test')
    return registry
  }
}
