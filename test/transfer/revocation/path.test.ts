import assert from 'node:assert/strict'
import { demandRevocationPaths } from '../../../src/transfer/revocation/path.ts'
import { fault } from '../../fault.ts'

describe('transfer/revocation/path', () => {
  const land = (name: string, to: string): void => demandRevocationPaths([[name, to]], ['office', 'anchors'])

  it('lets lists and trust information lie where they are looked for, and content anywhere else', () => {
    land('local/sallyport/revocation/rev', 'sallyport/revocation/rev')
    land('local/sallyport/revocation/rev', 'mirror/sallyport/revocation/rev')
    land('local/sallyport/trust/anchors', 'mirror/sallyport/trust/anchors')
    land('registry.example/sallyport/app', 'sallyport/app')
    land('registry.example/app', 'mysallyport/revocation/rev')
  })

  it('refuses content that would move the tags of lists, trust information or the quarantine', () => {
    for (const to of [
      'sallyport/revocation/rev',
      'mirror/sallyport/revocation/rev',
      'sallyport/trust/anchors',
      'sallyport/quarantine/app',
    ])
      for (const name of ['registry.example/app', 'local/sallyport/trust/other', 'local/sallyport/trust/office'])
        assert.throws(() => land(name, to), fault('TARGET_COLLISION'), `${name} ${to}`)
    // Under the name of another channel's word on trust.
    const other = (): void => land('local/sallyport/trust/other', 'mirror/sallyport/trust/other')
    assert.throws(other, fault('TARGET_COLLISION'))
    assert.throws(() => land('local/sallyport/revocation/rev', 'app'), fault('MAP_INVALID'))
    assert.throws(() => land('local/sallyport/revocation/rev', 'sallyport/quarantine/app'), fault('MAP_INVALID'))
  })
})
