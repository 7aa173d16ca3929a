import assert from 'node:assert/strict'
import { demandConfined } from '../../../src/transfer/import/confined.ts'
import { fault } from '../../fault.ts'

describe('transfer/import/confined', () => {
  const landing =
    (into: string[] | undefined, ...landed: [string, string][]): (() => void) =>
    () =>
      demandConfined(into, landed, ['vendor-b', 'rev'])

  it('passes what goes to a path or below it, and everything of a channel that is not confined', () => {
    landing(undefined, ['r.io/x', 'anywhere'])()
    landing(['mirror/b'], ['r.io/x', 'mirror/b'], ['r.io/y', 'mirror/b/y/z'])()
    landing(['a', 'mirror/b'], ['r.io/x', 'a/x'], ['r.io/y', 'mirror/b/y'])()
  })

  it('refuses what only begins as a path does, what lies above it, and what lies elsewhere', () => {
    for (const path of ['mirror/bb', 'mirror', 'b', 'x/mirror/b', 'mirror/b-x/y'])
      assert.throws(landing(['mirror/b'], ['r.io/x', 'mirror/b/x'], ['r.io/y', path]), fault('DESTINATION_FORBIDDEN'))
  })

  it('leaves to lists and trust information the places that are kept for them', () => {
    const kept = (what: string): [string, string] => [
      `local/sallyport/${what}/vendor-b`,
      `m/sallyport/${what}/vendor-b`,
    ]
    landing(['mirror/b'], kept('revocation'), kept('trust'))()
    landing(['mirror/b'], ['local/sallyport/revocation/rev', 'sallyport/revocation/rev'])()
    // Its own name is no leave to go elsewhere, nor is its place one for others.
    for (const name of ['local/sallyport/trust/vendor-b', 'local/sallyport/trust/vendor-a', 'r.io/x'])
      for (const path of ['m/app', 'm/sallyport/trust/vendor-a'])
        assert.throws(landing(['mirror/b'], [name, path]), fault('DESTINATION_FORBIDDEN'), `${name} ${path}`)
    const alike: [string, string] = ['r.io/sallyport/trust/vendor-b', 'm/x']
    assert.throws(landing(['mirror/b'], alike), fault('DESTINATION_FORBIDDEN'))
  })
})
